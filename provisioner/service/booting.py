"""A machine asks for its boot script: by the token its serial carries, or by being known and first."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from provisioner.boot import loader
from provisioner.boot import script as scripts
from provisioner.boot.client import Ignore
from provisioner.boot.decide import other_processor, refusal, verdict
from provisioner.boot.loader import Content
from provisioner.boot.quiet import Quiet
from provisioner.core.errors import Denied, Invalid, ProvisionerError
from provisioner.core.firmware import BUILDS
from provisioner.core.install import Event, Install, Kind
from provisioner.core.machine import Machine, normalise_mac, normalise_uuid
from provisioner.service.ports import Clock, Store, TokenKind
from provisioner.service.recipes import Recipes, recipe

ArgsFor = Callable[[Install, str], Awaitable[tuple[str, str, str]]]
"""(install, root) to kernel URL, initrd URL and kernel command line."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_MINUTE = 60.0


class StubTokens(Protocol):
    async def check(self, token: str, kind: TokenKind) -> Install:
        """Raises Denied."""
        ...


class Booting:
    """The door of the boot scripts, and of loaders by HTTP. It gives the verdict that DHCP and TFTP give.

    `loaders` are the first programs by name, `recipes` what others than iPXE read next. `neighbour` turns an
    address into a MAC address where the kernel knows it.
    """

    def __init__(
        self,
        store: Store,
        tokens: StubTokens,
        clock: Clock,
        args_for: ArgsFor,
        *,
        loaders: Mapping[str, bytes] | None = None,
        recipes: Recipes | None = None,
        neighbour: Callable[[str], str | None] = lambda address: None,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._args_for = args_for
        self._loaders = {} if loaders is None else loaders
        self._recipes = recipes
        self._neighbour = neighbour
        self._quiet = Quiet(_MINUTE)

    def stub(self, root: str) -> str:
        """The public script."""
        return scripts.stub(root)

    async def loader(self, name: str, address: str, root: str) -> Content | Ignore | None:
        """A loader or menu for the machine behind an address, None where there is no such file."""
        mac = self._neighbour(address) or loader.mac_in(name)
        install = await self._store.install_of(mac=mac) if mac else None
        content: Content | None = None
        if install is not None and install.loader != "ipxe" and self._recipes is not None:
            content = self._recipes.by_http(await recipe(self._store, install), name, root)
        if content is None:
            content = loader.pick(name, self._loaders)
        if content is None or mac is None:
            return content  # a loader is public: an address that leads to no machine is not refused
        machine = await self._store.machine(mac=mac)
        refused = refusal(*verdict(install, known=install is not None or machine is not None))
        if refused is not None and install is not None:
            await self._tell(Kind.LOCAL_BOOT, refused.reason, mac, address, install.id)
        return refused or content

    async def machine_script(
        self, root: str, token: str, mac: str, uuid: str, address: str, build: str = ""
    ) -> str:
        """The script for whoever asks: its own, or one that says why there is none and leaves.

        `build` is the processor that the asking iPXE says that it was built for, "" where it says none.
        """
        mac, uuid = _or_empty(normalise_mac, mac), _or_empty(normalise_uuid, uuid)
        if _TOKEN.fullmatch(token):
            try:
                unlocked = await self._tokens.check(token, "stub")
            except Denied:
                pass  # its install may just have ended; what is known of the machine tells
            else:
                await self._store.bind(unlocked.id, address)
                return await self._script(unlocked, root, address, build)
        machine = await self._store.machine(mac=mac) if mac else None
        if machine is None and uuid:
            machine = await self._store.machine(uuid=uuid)
        if machine is None:
            return await self._refuse(f"no machine here has the MAC address {mac or '?'}", mac, address)
        install = await self._store.install_of(mac=machine.mac, uuid=machine.uuid or "")
        if refusal(*verdict(install, known=True)) is None and install is not None:
            return await self._unlocked_by_nothing(machine, install, root, address, build)
        return await self._disk(machine.mac, install, address)

    async def _unlocked_by_nothing(
        self, machine: Machine, install: Install, root: str, address: str, build: str
    ) -> str:
        """A machine with an install to run and no token: a guest must show its own, others are bound."""
        if machine.guest:
            reason = "the serial that unlocks this guest's script did not come with the question"
            return await self._refuse(reason, machine.mac, address, install.id)
        bound = await self._store.bind(install.id, address)
        if bound != address:
            text = f"{address} asked for the script of {machine.name}, which {bound} had fetched"
            await self._tell(Kind.ALARM, text, machine.mac, address, install.id)
            return scripts.refused("another machine has fetched this script")
        return await self._script(install, root, address, build)

    async def _script(self, install: Install, root: str, address: str, build: str) -> str:
        if install.boots_disk:
            return await self._disk(install.mac, install, address)
        other = other_processor(install.arch, BUILDS.get(build, ()), f"an iPXE for {build}")
        if other is not None:
            return await self._refuse(other.reason, install.mac, address, install.id, other.remedy)
        try:
            kernel, initrd, args = await self._args_for(install, root)
            text = scripts.script(scripts.ScriptFacts(install.id, install.guest, kernel, initrd, args))
        except ProvisionerError as error:
            await self._tell(Kind.TREE_FAILED, f"no boot script: {error}", install.mac, address, install.id)
            return scripts.refused(str(error))
        sent = f"boot script for {install.guest}"
        await self._tell(Kind.SCRIPT_SENT, sent, install.mac, address, install.id, again=True)
        return text

    async def _disk(self, mac: str, install: Install | None, address: str) -> str:
        _, why = verdict(install, known=True)
        told = refusal("disk", why)
        text = told.reason if told is not None else why
        await self._tell(Kind.LOCAL_BOOT, text, mac, address, install.id if install else "")
        return scripts.disk(why)

    async def _refuse(self, reason: str, mac: str, address: str, install: str = "", remedy: str = "") -> str:
        text = f"boot script refused: {reason}"
        await self._tell(Kind.ANSWER_REFUSED, text, mac, address, install, remedy=remedy)
        return scripts.refused(reason)

    async def _tell(
        self,
        kind: Kind,
        text: str,
        mac: str,
        address: str,
        install: str,
        *,
        again: bool = False,
        remedy: str = "",
    ) -> None:
        now = self._clock()
        if again or self._quiet.first((kind, mac, address, text), now.timestamp()):
            data = {"address": address, **({"remedy": remedy} if remedy else {})}
            await self._store.record(
                [Event(kind, now, "http", machine=mac, install=install, text=text, data=data)]
            )


def _or_empty(normalise: Callable[[str], str], text: str) -> str:
    """What firmware sent, in canonical form; "" for anything else."""
    try:
        return normalise(text)
    except Invalid:
        return ""
