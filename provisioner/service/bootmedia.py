"""Boot media for machines whose firmware does not netboot: iPXE with a script that leads to this service."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from provisioner.boot import script
from provisioner.core import urls
from provisioner.core.errors import Invalid, NotFound
from provisioner.core.machine import Machine
from provisioner.service.ports import Hosts, Store
from provisioner.service.roots import root_of

Form = Literal["iso", "img"]
FORMS: tuple[Form, ...] = ("iso", "img")


class Sticks(Protocol):
    """Blocking. Raise Unavailable naming what is missing on this host."""

    def iso(self, script: str) -> bytes: ...
    def disk(self, script: str) -> bytes: ...


class BootMedia:
    """`served` gives interface to our address on it, `address` is the setting `guest_address`."""

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        sticks: Sticks,
        served: Callable[[], Mapping[str, str]],
        port: int,
        address: str = "",
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._sticks = sticks
        self._served = served
        self._port = port
        self._address = address

    async def build(self, name: str, form: Form, address: str = "") -> bytes:
        """The medium that a guest or machine boots; it holds no secret. `address` is ours, "" for the known.

        Raises NotFound, Invalid where the address cannot be told, Conflict, Unavailable.
        """
        machine = await self._store.machine(name=name)
        if machine is None:
            raise NotFound(f"no guest and no machine is called {name!r}", remedy="provisioner machine list")
        text = script.medium(machine.name, await self._root(machine, address))
        make = self._sticks.iso if form == "iso" else self._sticks.disk
        return await asyncio.to_thread(make, text)

    async def _root(self, machine: Machine, address: str) -> str:
        if address:
            return urls.base(address, self._port)
        if machine.guest:
            row = await self._store.guest(machine.name)
            host = await self._hosts(row.uri).facts()
            return root_of(row.spec.nic, host, self._served(), self._port, self._address)
        known = [self._address] if self._address else list(dict.fromkeys(self._served().values()))
        if len(known) != 1:
            raise Invalid(
                f"by which address {machine.name} reaches this service cannot be told: "
                f"{', '.join(known) or 'none is served'}",
                remedy="name it with --address, or set guest_address",
            )
        return urls.base(known[0], self._port)
