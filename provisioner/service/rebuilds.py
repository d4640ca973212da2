"""Guests installed anew, one or many, and what each would lose by it, told first."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from provisioner.core.install import Install, Stage
from provisioner.plan.steps import DeleteVolume, Plan
from provisioner.service.bases import Bases
from provisioner.service.each import each
from provisioner.service.guest_life import GuestLife
from provisioner.service.guests import AS_IT_WAS, Guests, Made
from provisioner.service.over import over
from provisioner.service.ports import LifeHosts, Store, VolumeFacts
from provisioner.service.requests import Creation, Guest, Rebuild


@dataclass(frozen=True, slots=True)
class Loss:
    """What a rebuild takes from a guest. `gone` are volumes that are removed, `kept` those that stay its own.

    `nvram` says whether UEFI forgets its variables; `plan` is what would be done, masked.
    """

    guest: Guest
    profile: str
    gone: tuple[VolumeFacts, ...]
    kept: tuple[VolumeFacts, ...]
    nvram: bool
    plan: Plan

    @property
    def in_use(self) -> bool:
        """Whether somebody may miss it: it runs, it is installed, or it is being installed."""
        install = self.guest.install
        idle = install is None or install.stage in (Stage.FAILED, Stage.CANCELLED)
        return not idle or self.guest.state not in ("shut off", "crashed", "missing")


async def _nothing(name: str) -> None:
    pass


class Rebuilds:
    """`forget` drops what was kept of a guest as it was installed, before its disks go."""

    def __init__(
        self,
        store: Store,
        hosts: LifeHosts,
        guests: Guests,
        life: GuestLife,
        forget: Callable[[str], Awaitable[object]] = _nothing,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._guests = guests
        self._life = life
        self._forget = forget
        self._bases = Bases(store)

    async def rebuild(self, name: str, wish: Rebuild = AS_IT_WAS) -> Creation:
        """Installs a guest anew; the bases that its old disk alone stood on are removed."""
        removal = await self._life.removal(name)
        host = self._hosts((await self._store.guest(name)).uri)
        made = await self._guests.rebuild(name, wish)
        if made.install.stage is not Stage.CREATING:  # one that waits for its turn runs on as it is
            await self._forget(name)
        await self._bases.sweep(removal.bases, host)
        return made

    async def rebuild_each(
        self, names: Sequence[str], wish: Rebuild = AS_IT_WAS, *, at_once: int = 0
    ) -> AsyncGenerator[Made]:
        """All of them, what stands against one holds up no other. Gives each as its install has begun.

        With `at_once` so many of these installs run at a time: the next begins when one is over.
        """
        until = self._over if at_once else None
        rebuilding = each(names, lambda name: self.rebuild(name, wish), at_once=at_once, until=until)
        async with aclosing(rebuilding) as making:
            async for made in making:
                yield made

    async def look_each(
        self, names: Sequence[str], wish: Rebuild = AS_IT_WAS
    ) -> AsyncGenerator[tuple[str, Loss | Exception]]:
        """What each would lose; nothing is changed."""
        found = {guest.name: guest for guest in await self._guests.list()}
        async with aclosing(each(names, lambda name: self._look(name, wish, found))) as looking:
            async for seen in looking:
                yield seen

    async def _look(self, name: str, wish: Rebuild, found: dict[str, Guest]) -> Loss:
        guest = found.get(name) or await self._guests.show(name)  # which says what stands against it
        row = await self._store.guest(name)
        draft = await self._guests.drafts.rebuilt(row, wish)
        going = {(step.pool, step.name) for step in draft.plan.steps if isinstance(step, DeleteVolume)}
        mine = {(row.spec.disk.pool, row.volume), *row.holdings.owned}
        pools = dict.fromkeys(pool for pool, _ in mine)
        facts = [volume for pool in pools for volume in await self._hosts(row.uri).volume_facts(pool)]
        volumes = [volume for volume in facts if (volume.pool, volume.name) in mine]
        spec = draft.row.spec
        return Loss(
            replace(guest, profile=row.spec.profile),
            spec.profile,
            gone=tuple(volume for volume in volumes if (volume.pool, volume.name) in going),
            kept=tuple(volume for volume in volumes if (volume.pool, volume.name) not in going),
            nvram=spec.boot == "uefi",
            plan=draft.shown,
        )

    async def _over(self, made: Creation) -> Install:
        return await over(self._store, made.install.id)
