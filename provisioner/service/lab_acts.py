"""One change of a lab, by the same use cases as a single request: there is no second way to make a thing."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from provisioner.core.errors import Invalid, ProvisionerError
from provisioner.core.host import LOCAL
from provisioner.core.lab import Change, Ref
from provisioner.core.network import NetworkSpec
from provisioner.core.profile import Image, Profile
from provisioner.core.storage import PoolSpec
from provisioner.service.lab_asked import Asked, CloneAsked, HostAsked, ImageAsked, TreeAsked
from provisioner.service.lab_cases import Cases
from provisioner.service.lab_guests import LabGuests
from provisioner.service.over import over
from provisioner.service.requests import CreateGuest, Guest

Before = Callable[[], Awaitable[None]]
"""Called between what was there and what comes in its place."""


class Acts:
    """Each gives what was done, a clause for a person, or raises what stands against it."""

    def __init__(self, cases: Cases, guests: LabGuests) -> None:
        self._cases = cases
        self.guests = guests

    async def add(self, ref: Ref, asked: Asked) -> str:
        cases = self._cases
        match asked:
            case HostAsked():
                state = await cases.hosts.add(asked.name, asked.uri, allow_unsafe=asked.allow_unsafe)
                return "added" if state.up else f"added; it does not answer: {state.reason}"
            case NetworkSpec():
                await cases.networks.create(asked, await self.uri(ref.host))
            case PoolSpec():
                await cases.storage.create_pool(asked, await self.uri(ref.host))
            case TreeAsked():
                await self._tree(asked)
            case ImageAsked():
                await self._built(asked)
            case Profile():
                await cases.profiles.create(asked)
            case CreateGuest():
                return await self.guests.create(asked)
            case CloneAsked():
                raise Invalid(f"{ref}: clones are made together")
        return "made"

    async def change(self, change: Change, asked: Asked) -> str:
        """In place: nothing that is there is lost."""
        cases, ref = self._cases, change.ref
        match asked:
            case HostAsked():
                await self._moved(asked)
            case NetworkSpec():
                uri = await self.uri(ref.host)
                if any(one.path == "active" for one in change.differences):
                    await cases.networks.start(ref.name, uri)
                await cases.networks.autostart(ref.name, asked.autostart, uri)
            case PoolSpec():
                await cases.storage.start_pool(ref.name, await self.uri(ref.host))
            case TreeAsked():
                if any(one.path == "source" for one in change.differences):
                    await self._elsewhere(asked)
                await self._tree(asked)
            case ImageAsked():
                await self._built(asked)
            case Profile():
                await cases.profiles.edit(asked)
            case CreateGuest():
                return await self.guests.change(change, asked)
            case CloneAsked():
                return await self.guests.mend(ref.name)
        return "changed"

    async def replace(self, ref: Ref, asked: Asked, before: Before) -> str:
        """Removes it and makes it anew. What can be known to stand against that is told before it goes."""
        match asked:
            case CreateGuest():
                return await self.guests.replace(asked, before)
            case ImageAsked():
                await self._built(asked)
            case CloneAsked():
                raise Invalid(f"{ref}: clones are made together")
            case _:
                await self.remove(ref)
                await before()
                await self.add(ref, asked)
        return "made anew"

    async def remove(self, ref: Ref) -> str:
        cases = self._cases
        match ref.kind:
            case "host":
                await cases.hosts.remove(ref.name)
            case "network":
                await cases.networks.delete(ref.name, await self.uri(ref.host))
            case "pool":
                await cases.storage.delete_pool(ref.name, files=False, uri=await self.uri(ref.host))
                return "forgotten; the files in it stay"
            case "tree":
                await cases.trees.remove(ref.name)
            case "image":
                await cases.images.remove(ref.name)
            case "profile":
                await cases.profiles.remove(ref.name)
            case "guest":
                await cases.life.delete(ref.name)
                return "removed with its disk"
        return "removed"

    def clones(
        self, asked: Sequence[CloneAsked], at_once: int
    ) -> AsyncGenerator[tuple[str, Guest | Exception]]:
        """All of one original, which is looked at once; each with what became of it."""
        first, names = asked[0], [one.name for one in asked]
        return self._cases.clones.clone_each(
            first.source, names, linked=first.linked, start=first.start, at_once=at_once
        )

    async def unready(self, source: str) -> str:
        """Why a guest cannot be cloned yet although it will be, "" where it can. Raises NotFound."""
        row = await self._cases.store.guest(source)
        if not (await self._cases.store.install(row.install)).over:
            return f"guest {source} is being installed; apply again after: provisioner install wait {source}"
        there = await self._cases.hypervisors(row.uri).definitions(())
        if any(domain.uuid == row.spec.uuid and domain.on for domain in there):
            return f"guest {source} is switched on; apply again after: provisioner guest shutdown {source}"
        return ""

    async def installed(self, guest: str) -> None:
        """Waits until the guest's install is over, however it ends."""
        await over(self._cases.store, (await self._cases.store.guest(guest)).install)

    async def uri(self, host: str) -> str:
        """Of a host's name, "" the local one."""
        return await self._cases.hosts.resolve(host or LOCAL)

    async def _tree(self, asked: TreeAsked) -> None:
        await self._cases.trees.add(
            asked.name, asked.source, asked.wanted, mirrors=asked.mirrors, key=asked.key
        )

    async def _elsewhere(self, asked: TreeAsked) -> None:
        """Forgets where a tree was, once it is sure that the new place has one. Conflict while it is read."""
        found = await self._cases.trees.explain(asked.source, asked.wanted)
        if found.refusal:
            raise found.refusal
        await self._cases.trees.remove(asked.name)

    async def _built(self, asked: ImageAsked) -> None:
        async for item in self._cases.images.build(asked.name, tune=asked.tune, mirror=asked.mirror):
            if isinstance(item, Image):
                return

    async def _moved(self, asked: HostAsked) -> None:
        """A host under another URI; the old one stays where the new is not taken."""
        hosts = self._cases.hosts
        old = await hosts.get(asked.name)
        await hosts.remove(asked.name)
        try:
            await hosts.add(asked.name, asked.uri, allow_unsafe=asked.allow_unsafe)
        except ProvisionerError:
            await hosts.add(old.name, old.uri, allow_unsafe=old.allow_unsafe)
            raise
