"""Machines that we did not create: real hardware that netboots."""

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine, check_name, normalise_mac, normalise_uuid
from provisioner.service.ports import Clock, Store
from provisioner.service.requests import Ids, ProfileSource
from provisioner.service.tokens import Tokens


class Machines:
    def __init__(self, store: Store, tokens: Tokens, profiles: ProfileSource, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._tokens = tokens
        self._profiles = profiles
        self._clock = clock
        self._ids = ids

    async def add(self, name: str, mac: str, uuid: str = "", profile: str = "") -> Machine:
        """A machine that netboots. With a profile its install waits until it asks for it."""
        machine = Machine(
            check_name(name, "machine name"),
            normalise_mac(mac),
            normalise_uuid(uuid) if uuid else None,
            profile=(await self._profiles.get(profile)).name if profile else None,
        )
        await self._store.add_machine(machine)
        if machine.profile:
            await self._wait(machine, machine.profile)
        return machine

    async def list(self) -> list[Machine]:
        """All machines; every guest is one."""
        return await self._store.machines()

    async def remove(self, name: str) -> None:
        """Forgets a machine and ends its install. Its installs and events stay readable."""
        machine = await self._store.machine(name=name)
        if machine is None:
            raise NotFound(f"no machine is called {name!r}", remedy="provisioner machine list")
        if machine.guest:
            raise Conflict(f"{name} is a guest", remedy=f"provisioner guest delete {name}")
        install = await self._store.install_of(mac=machine.mac)
        if install is not None and not install.over:
            await self._note(install, Kind.CANCELLED, f"machine {name} was removed")
        await self._store.remove_machine(name)

    async def _wait(self, machine: Machine, profile: str) -> Install:
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
        )
        await self._store.add_install(install, None)
        await self._tokens.issue(install)
        await self._note(install, Kind.PLANNED, f"{machine.name} waits for profile {profile}")
        return install

    async def _note(self, install: Install, kind: Kind, text: str) -> None:
        await self._store.record([Event(kind, self._clock(), "service", install.mac, install.id, text)])
