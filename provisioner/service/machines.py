"""Machines that we did not create: real hardware that netboots."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.firmware import Dialect, by_name
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import (
    Machine,
    check_name,
    discovered_name,
    normalise_mac,
    normalise_uuid,
)
from provisioner.core.profile import Profile, Tree
from provisioner.service.ports import Clock, Opening, Store
from provisioner.service.requests import Ids, ProfileSource
from provisioner.service.tokens import Tokens

AnswerCheck = Callable[[Install, None, Profile, Tree], Awaitable[tuple[str, ...]]]
"""Renders and checks the answer file of an install that is no guest's; its warnings. Raises Invalid."""


async def _unchecked(*_: object) -> tuple[str, ...]:
    return ()


class Machines:
    """`stage` keeps what other loaders than iPXE fetch of a tree. It raises Unavailable."""

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        profiles: ProfileSource,
        clock: Clock,
        ids: Ids,
        stage: Callable[[Tree], Awaitable[None]],
        check_answer: AnswerCheck = _unchecked,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._profiles = profiles
        self._clock = clock
        self._ids = ids
        self._stage = stage
        self._check_answer = check_answer

    async def add(
        self, name: str, mac: str, uuid: str = "", profile: str = "", loader: Dialect = "ipxe"
    ) -> Machine:
        """A machine that netboots. With a profile its install waits until it asks for it.

        `loader` is what its firmware is given for that. Raises Invalid, NotFound, Conflict, Unavailable.
        """
        if loader != "ipxe" and not profile:
            raise Invalid(f"loader {loader} is of use for an install alone; give a profile as well")
        machine = Machine(
            check_name(name, "machine name"),
            normalise_mac(mac),
            normalise_uuid(uuid) if uuid else None,
            profile=(await self._profiles.get(profile)).name if profile else None,
        )
        if machine.profile:
            await self._begin(machine, machine.profile, loader)
        else:
            await self._store.add_machine(machine)
        return machine

    async def list(self) -> list[Machine]:
        """All machines; every guest is one."""
        return await self._store.machines()

    async def show(self, ref: str) -> tuple[Machine, Install | None]:
        """The machine of that name or MAC address, and its latest install. Raises NotFound."""
        machine = await self._get(ref)
        return machine, await self._store.install_of(mac=machine.mac)

    async def install(
        self, ref: str, profile: str, name: str = "", loader: Dialect | None = None
    ) -> tuple[Machine, Install]:
        """Lets a machine install `profile` the next time that it netboots, once.

        `ref` is a name or a MAC address; an address that nobody knows registers a machine. `name` is what it
        is called from now on, where no install of it bears another name yet. `loader` is what its firmware
        is given, None for what it was given last, at first iPXE. Raises NotFound; Conflict for a guest, and
        where an install runs; Invalid for a tree of another processor; Unavailable.
        """
        wanted = (await self._profiles.get(profile)).name
        name = check_name(name, "machine name") if name else ""
        known = await self._find(ref)
        if known is None:
            mac = _mac(ref) or ""
            if not mac:
                raise _unknown(ref)
            machine = Machine(name or discovered_name(mac), mac, profile=wanted)
            return machine, await self._begin(machine, wanted, loader or "ipxe")
        if known.guest:
            raise Conflict(f"{known.name} is a guest", remedy=f"provisioner guest rebuild {known.name}")
        last = await self._store.install_of(mac=known.mac)
        if last is not None and not last.over:
            raise Conflict(
                f"install {last.id} of {known.name} is {last.stage}",
                remedy=f"provisioner install wait {last.id}, or provisioner install cancel {last.id}",
            )
        if name and name != known.name and last is not None:
            raise Conflict(
                f"{known.name} cannot be called {name}: its installs bear its name",
                remedy=f"provisioner machine install {known.name} --profile {wanted}",
            )
        machine = replace(known, name=name or known.name, profile=wanted)
        loader = loader or (last.loader if last is not None else "ipxe")
        return machine, await self._begin(machine, wanted, loader, was=known.name)

    async def remove(self, ref: str) -> None:
        """Forgets a machine and ends its install. Its installs and events stay readable."""
        machine = await self._get(ref)
        if machine.guest:
            raise Conflict(f"{machine.name} is a guest", remedy=f"provisioner guest delete {machine.name}")
        install = await self._store.install_of(mac=machine.mac)
        if install is not None and not install.over:
            await self._note(install, Kind.CANCELLED, f"machine {machine.name} was removed")
        await self._store.remove_machine(machine.name)

    async def _get(self, ref: str) -> Machine:
        machine = await self._find(ref)
        if machine is None:
            raise _unknown(ref)
        return machine

    async def _find(self, ref: str) -> Machine | None:
        """A name comes first: it may look like an address."""
        mac = _mac(ref)
        return await self._store.machine(name=ref) or (await self._store.machine(mac=mac) if mac else None)

    async def _begin(self, machine: Machine, profile: str, loader: Dialect, was: str = "") -> Install:
        chosen = await self._profiles.get(profile)
        tree = chosen.tree
        arch = await self._arch(machine, tree)
        now = self._clock()
        install = Install(
            id=self._ids.install(),
            guest=machine.name,
            mac=machine.mac,
            uuid=machine.uuid or "",
            profile=profile,
            stage=Stage.PLANNED,
            created=now,
            changed=now,
            loader=loader,
            arch=arch,
        )
        told = await self._checked(install, chosen)
        if loader != "ipxe":
            await self._stage(await self._store.tree(tree))
        text = "; ".join([f"{machine.name} waits for profile {profile}", *told])
        way = {"method": "pxe", "boot": "", "by": "hardware", "host": ""}
        planned = Event(Kind.PLANNED, now, "service", install.mac, install.id, text, way)
        opening = Opening(events=(planned,), tokens=self._tokens.fresh(install))
        await self._store.add_run(install, machine, was=was, opening=opening)
        return install

    async def _checked(self, install: Install, profile: Profile) -> tuple[str, ...]:
        """Before the machine asks for it. A tree or image that is not there yet is looked at then."""
        try:
            return await self._check_answer(install, None, profile, await self._store.tree(profile.tree))
        except NotFound:
            return ()

    async def _arch(self, machine: Machine, name: str) -> str:
        """The processor of a tree, "" for one that is not there yet. Raises Invalid where it is another."""
        try:
            tree = await self._store.tree(name)
        except NotFound:
            return ""
        firmware = by_name(machine.firmware)
        if firmware is not None and firmware.loaders and tree.arch not in firmware.starts:
            raise Invalid(
                f"tree {name} is for {tree.arch}, and {machine.name} has {machine.firmware} firmware",
                remedy="name a profile whose tree is for its processor (provisioner tree list)",
            )
        return tree.arch

    async def _note(self, install: Install, kind: Kind, text: str) -> None:
        await self._store.record([Event(kind, self._clock(), "service", install.mac, install.id, text)])


def _mac(text: str) -> str | None:
    try:
        return normalise_mac(text)
    except Invalid:
        return None


def _unknown(ref: str) -> NotFound:
    return NotFound(
        f"no machine is called {ref!r} or has that MAC address", remedy="provisioner machine list"
    )
