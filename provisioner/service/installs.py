"""Installs: followed, explained, cancelled."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.install import Event, Install, Kind
from provisioner.plan.steps import StopDomain
from provisioner.service.ports import Clock, GuestRow, Hosts, Store
from provisioner.service.why import Why, explain

_PAGE = 1000


async def _nothing(install: str) -> str:
    return ""


class Installs:
    """`ref` is an install's id, or the name of a guest or machine: its latest.

    `slower` says of an install by its id which stage takes longer than usual, "" where none does.
    """

    def __init__(
        self, store: Store, hosts: Hosts, clock: Clock, slower: Callable[[str], Awaitable[str]] = _nothing
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._clock = clock
        self._slower = slower

    async def show(self, ref: str) -> Install:
        return await self._store.install(ref)

    async def events(self, ref: str, *, after: int = 0, limit: int = _PAGE) -> list[Event]:
        install = await self._store.install(ref)
        return await self._store.events(install=install.id, after=after, limit=limit)

    async def why(self, ref: str) -> Why:
        """Its diagnosis: what happened last, what is missing first, cause, evidence and remedy."""
        install = await self._store.install(ref)
        why = explain(install, await whole_timeline(self._store, install))
        if not install.over and (slow := await self._slower(install.id)):
            why = replace(why, paragraph=f"{why.paragraph} {slow[0].upper()}{slow[1:]}.")
        machine = await self._store.machine(mac=install.mac)
        if machine is None or machine.guest:
            return why
        again = f"provisioner machine install {machine.name} --profile {install.profile}"
        rebuild = f"provisioner guest rebuild {install.guest}"
        remedy, paragraph = (text.replace(rebuild, again) for text in (why.remedy, why.paragraph))
        return replace(why, remedy=remedy, paragraph=paragraph)

    async def cancel(self, ref: str) -> Install:
        """Ends an install that runs and switches its guest off. Conflict where it is over."""
        install = await self._store.install(ref)
        if install.over:
            raise Conflict(f"install {install.id} of {install.guest} is over: it is {install.stage}")
        event = Event(
            Kind.CANCELLED, self._clock(), "service", install.mac, install.id, "cancelled by request"
        )
        await self._store.record([event])
        await self._switch_off(install)
        return await self._store.install(install.id)

    async def _switch_off(self, install: Install) -> None:
        """A guest of ours only; another machine runs on, and gets nothing any more."""
        if row := await guest_of(self._store, install):
            await self._hosts(row.uri).apply(StopDomain(row.spec.name, row.spec.uuid))

    async def list(self, *, active: bool = False, limit: int = 200) -> list[Install]:
        return await self._store.installs(active=active, limit=limit)


async def guest_of(store: Store, install: Install) -> GuestRow | None:
    """The guest's row where this is its latest install; None for a machine that is no guest of ours, too."""
    try:
        row = await store.guest(install.guest)
    except NotFound:
        return None
    return row if row.install == install.id else None


async def whole_timeline(store: Store, install: Install) -> list[Event]:
    """Every event of an install, oldest first."""
    found: list[Event] = []
    while page := await store.events(install=install.id, after=found[-1].id if found else 0, limit=_PAGE):
        found += page
        if len(page) < _PAGE:
            break
    return found
