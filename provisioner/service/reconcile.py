"""At the start: finishes or removes what a service that was killed left, and catches up with libvirt."""

from provisioner.core.errors import NotFound, ProvisionerError, Unavailable
from provisioner.core.host import Domain
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.plan.steps import StartDomain
from provisioner.service.execution import carry_out_removal
from provisioner.service.guests import Guests
from provisioner.service.ports import Clock, GuestRow, Hosts, Store
from provisioner.service.removal import removal_of

_UNMADE = frozenset({Stage.PLANNED, Stage.CREATING})


async def reconcile(store: Store, hosts: Hosts, guests: Guests, clock: Clock) -> list[str]:
    """Returns what was done or found, a sentence each. May be run again at any time."""
    return await _Reconciler(store, hosts, guests, clock).run()


class _Reconciler:
    def __init__(self, store: Store, hosts: Hosts, guests: Guests, clock: Clock) -> None:
        self._store = store
        self._hosts = hosts
        self._guests = guests
        self._clock = clock
        self._told: list[str] = []

    async def run(self) -> list[str]:
        interrupted = await self._journaled()
        for row in await self._store.guests():
            if row.install in self._guests.execution.busy:
                continue
            # Read after the look at `busy`: one that was being made a moment ago is then seen as made.
            install = await self._store.install(row.install)
            journaled = install.id in await self._journaled()
            try:
                await self._guest(row, install, journaled=journaled)
            except ProvisionerError as error:
                self._told.append(f"guest {row.spec.name} is left as it is: {error}")
        await self._forgotten(interrupted)
        await self._strangers()
        return self._told

    async def _journaled(self) -> set[str]:
        return {row.install for row in await self._store.open_journal()}

    async def _guest(self, row: GuestRow, install: Install, *, journaled: bool) -> None:
        unmade = install.stage in _UNMADE or (journaled and install.answered is None)
        if install.over and install.stage is not Stage.INSTALLED:
            if journaled:
                await self._remove_rest(row, install)
        elif unmade and not install.over:
            await self._finish(row, install)
        else:
            if journaled:
                await self._guests.execution.clear(install.id)
                await self._guests.execution.made(row)
                await self._store.close_journal(install.id)
            if not install.over:
                await self._catch_up(row, install)

    async def _finish(self, row: GuestRow, install: Install) -> None:
        """Goes on with an install that was being made; takes it back where it can no longer be planned."""
        name = row.spec.name
        try:
            draft = await self._guests.drafts.again(install, row)
        except Unavailable:
            raise
        except ProvisionerError as error:
            await self._note(install, Kind.CREATE_FAILED, f"interrupted, and no longer possible: {error}")
            await self._remove_rest(row, install)
            return
        await self._guests.execution.resume(draft)
        self._told.append(f"guest {name}: install {install.id} was cut off while it was made; it goes on")

    async def _remove_rest(self, row: GuestRow, install: Install) -> None:
        """What a creation that failed could not undo. A guest whose rebuild failed stays."""
        spec = row.spec
        if row.old_volume:
            await self._store.close_journal(install.id)
            self._told.append(
                f"guest {spec.name}: its rebuild {install.id} was cut off and ended; rebuild it again"
            )
            return
        hypervisor = self._hosts(row.uri)
        await self._guests.execution.clear(install.id)
        await carry_out_removal(removal_of(row), hypervisor)
        await self._store.remove_guest(spec.name)
        await self._store.close_journal(install.id)
        self._told.append(f"guest {spec.name}: what its failed creation left was removed")

    async def _catch_up(self, row: GuestRow, install: Install) -> None:
        """What libvirt would have told a service that was running."""
        hypervisor = self._hosts(row.uri)
        domain = _find(await hypervisor.domains(), row.spec.uuid)
        if domain is None:
            await self._note(install, Kind.CANCELLED, "the guest's domain is no longer in libvirt")
            self._told.append(f"guest {row.spec.name}: its domain is gone, so install {install.id} is over")
        elif domain.state not in ("shut off", "crashed"):
            return
        elif row.first_stage and row.spec.unmanaged:
            await self._note(install, Kind.DONE, "the guest was found switched off: its first stage is over")
        elif install.answered is not None:
            await self._note(install, Kind.STOPPED, "the guest was found switched off")
        else:
            await hypervisor.apply(await self._start(row, install))
            await self._note(install, Kind.STARTED, "the guest was found switched off and is started again")
            self._told.append(f"guest {row.spec.name}: found switched off before its install; started again")

    async def _start(self, row: GuestRow, install: Install) -> StartDomain:
        """The start that belongs to the install: a first stage is started into anew."""
        if not row.first_stage:
            return StartDomain(row.spec.name, row.spec.uuid)
        steps = (await self._guests.drafts.again(install, row)).plan.steps
        return next(step for step in steps if isinstance(step, StartDomain))

    async def _forgotten(self, open_installs: set[str]) -> None:
        """Journals whose guest has no row any more: it was removed, only the last word was not written."""
        known = {row.install for row in await self._store.guests()}
        for install in open_installs - known - self._guests.execution.busy:
            try:
                ended = await self._store.install(install)
            except NotFound:
                ended = None
            if ended is not None and not ended.over:
                await self._note(ended, Kind.CREATE_FAILED, "interrupted while it was taken back")
            await self._store.close_journal(install)

    async def _strangers(self) -> None:
        """Domains with our mark that this store does not know: told, never removed."""
        rows = await self._store.guests()
        known = {row.spec.uuid for row in rows}
        for uri in dict.fromkeys(["", *(row.uri for row in rows)]):
            try:
                domains = await self._hosts(uri).domains()
            except ProvisionerError as error:
                self._told.append(f"{uri or 'the configured host'} was not compared: {error}")
                continue
            self._told += [
                f"domain {domain.name} carries provisioner's mark and is unknown here; it is left alone"
                for domain in domains
                if domain.ours and domain.uuid not in known
            ]

    async def _note(self, install: Install, kind: Kind, text: str) -> None:
        await self._store.record([Event(kind, self._clock(), "service", install.mac, install.id, text)])


def _find(domains: list[Domain], uuid: str) -> Domain | None:
    return next((domain for domain in domains if domain.uuid == uuid), None)
