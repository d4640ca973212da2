"""Serial lines and log ports of running installs: what becomes an event, how many, and after a restart."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from provisioner.core.errors import Conflict, Unavailable
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.consoles import Consoles
from provisioner.service.far_consoles import FarConsoles
from provisioner.service.ports import GuestRow, Line
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore

Key = tuple[str, Line]


class Files:
    """What guests said so far, whole."""

    def __init__(self) -> None:
        self.said: dict[Key, bytes] = {}

    async def since(self, places: Mapping[Key, int]) -> Mapping[Key, tuple[bytes, int]]:
        return {
            key: (self.said[key][place:], len(self.said[key]))
            for key, place in places.items()
            if len(self.said.get(key, b"")) > place
        }

    async def tail(self, install: str, line: Line, size: int) -> bytes:
        return self.said.get((install, line), b"")[-size:]

    async def installs(self) -> Mapping[str, float]:
        return {}

    async def remove(self, install: str) -> None:
        self.said = {key: said for key, said in self.said.items() if key[0] != install}


class Wire:
    """A console that says what it is given, and then waits."""

    def __init__(self, *said: bytes) -> None:
        self.said = list(said)
        self.closed = False

    async def read(self) -> bytes:
        if not self.said:
            await asyncio.Event().wait()
        return self.said.pop(0)

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None:
        self.closed = True


class Host:
    """One far host with one console at a time."""

    def __init__(self, *wires: Wire) -> None:
        self.wires = list(wires)
        self.asked = 0

    def __call__(self, uri: str) -> "Host":
        return self

    async def console(self, name: str, uuid: str, *, force: bool) -> Wire:
        self.asked += 1
        if not self.wires:
            raise Conflict("somebody else has it")
        return self.wires.pop(0)


class World:
    def __init__(self, *wires: Wire, far: bool = False) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.files = Files()
        self.host = Host(*wires)
        self.far = FarConsoles(self.store, self.host, lambda uri: far)  # type: ignore[arg-type]
        self.ended: list[str] = []
        self.consoles = self.again()

    def again(self) -> Consoles:
        """As after a restart of the service."""
        return Consoles(self.store, self.files, self.far, self.clock, scan, self._ended)

    async def _ended(self, install: Install) -> None:
        self.ended.append(install.id)

    async def install(self, name: str = "i1") -> Install:
        mac, uuid = "52:54:00:00:00:01", "00000000-0000-4000-8000-000000000001"
        install = Install(name, name, mac, uuid, "p", Stage.BOOTING, START, START)
        spec = GuestSpec(name, "p", uuid, nics=(Nic("network", "default", mac),))
        row = GuestRow(spec, install.id, "v", START, {}, uri="qemu+ssh://there/system")
        await self.store.add_install(install, row)
        return install

    async def events(self, *kinds: Kind) -> Sequence[Event]:
        return await self.store.events(kinds=kinds or (Kind.CONSOLE,))


def scan(line: str) -> tuple[str, str] | None:
    return ("no-disk", "there is no disk") if "no disk was found" in line else None


async def test_steps_and_troubles_are_told_and_nothing_else() -> None:
    world = World()
    await world.install()
    world.files.said["i1", "serial"] = (
        b"SeaBIOS (version 1.16)\r\nsome line\r\n"
        b"provisioner: [ 2.1] mini installer on 6.1\r\nprovisioner: stopped: no disk was found\r\n"
    )

    await world.consoles.look()
    await world.consoles.look()

    told = [(e.source, e.data.get("milestone"), e.data.get("sign")) for e in await world.events()]
    assert told == [
        ("console", "firmware", None),
        ("console", "mini", None),
        ("console", None, "no-disk"),
    ]
    assert (await world.events())[-1].data["cause"] == "there is no disk"


async def test_a_guest_that_boots_for_ever_is_told_three_times() -> None:
    world = World()
    await world.install()
    for _ in range(20):
        world.files.said["i1", "serial"] = (
            world.files.said.get(("i1", "serial"), b"") + b"Welcome to GRUB!\n" * 5
        )
        await world.consoles.look()

    assert len(await world.events()) == 3


async def test_the_log_port_is_the_installer_s_log() -> None:
    world = World()
    await world.install()
    world.files.said["i1", "log"] = b"".join(b"line %d\n" % n for n in range(5000)) + b"no disk was found\n"

    await world.consoles.look()

    told = await world.store.events(kinds=[Kind.LOG], limit=10_000)
    assert (told[0].source, told[0].text, len(told)) == ("anaconda", "line 0", 3001)
    assert told[-1].text == "no disk was found"


async def test_a_line_that_is_said_again_and_again_is_told_once() -> None:
    world = World()
    await world.install()
    for _ in range(3):
        world.files.said["i1", "log"] = world.files.said.get(("i1", "log"), b"") + b"trying again\n" * 9
        await world.consoles.look()

    assert len(await world.events(Kind.LOG)) == 1


async def test_secrets_of_a_kernel_line_are_masked() -> None:
    world = World()
    await world.install()
    token = b"T" * 43
    world.files.said["i1", "log"] = (
        b"Command line: inst.ks=http://192.0.2.1:8080/answer/" + token + b"/ks.cfg\n"
    )

    await world.consoles.look()

    (event,) = await world.events(Kind.LOG)
    assert event.text.endswith("/answer/***/ks.cfg")


async def test_a_restart_goes_on_where_it_was() -> None:
    world = World()
    await world.install()
    world.files.said["i1", "serial"] = b"SeaBIOS (version 1)\nWelcome to GRUB!\n"
    await world.consoles.look()

    world.files.said["i1", "serial"] += b"web1 login: "
    world.consoles = world.again()
    await world.consoles.look()

    assert [e.data["milestone"] for e in await world.events()] == ["firmware", "grub", "login"]


async def test_the_last_words_of_an_install_are_read_before_its_end_is_told() -> None:
    world = World()
    install = await world.install()
    await world.consoles.look()
    await world.store.record([Event(Kind.FAILED, START, "http", install=install.id, text="x")])
    world.files.said["i1", "serial"] = b"no disk was found\n"

    await world.consoles.look()
    await world.consoles.look()

    assert world.ended == ["i1"]
    assert len(await world.events()) == 1


async def test_a_far_guest_s_console_is_held_and_given_up_for_a_person() -> None:
    wire = Wire(b"Welcome to GRUB!\n", b"web1 login: ")
    world = World(wire, far=True)
    await world.install()
    for _ in range(3):
        await world.consoles.look()
        await asyncio.sleep(0)

    assert [e.data["milestone"] for e in await world.events()] == ["grub", "login"]
    assert world.far.tail("i1").endswith(b"login: ")
    await world.far.release("i1")
    assert wire.closed
    await world.consoles.look()
    assert world.host.asked == 1  # the person has it for a while


async def test_what_a_far_guest_said_last_is_there_after_its_end() -> None:
    world = World(Wire(b"no disk was found\n"), far=True)
    await world.install()
    for _ in range(3):
        await world.consoles.look()
        await asyncio.sleep(0)
    await world.store.record([Event(Kind.FAILED, START, "http", install="i1", text="x")])

    await world.consoles.look()

    assert world.ended == ["i1"]
    assert world.far.tail("i1") == b"no disk was found\n"


async def test_what_is_told_waits_for_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.install()
    world.files.said["i1", "serial"] = b"Welcome to GRUB!\n"

    async def away(events: Sequence[Event]) -> list[Install]:
        raise Unavailable("the database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "record", away)
        with pytest.raises(Unavailable):
            await world.consoles.look()
    await world.consoles.look()

    assert len(await world.events()) == 1


async def test_guests_of_this_host_keep_their_consoles() -> None:
    world = World(Wire(b"x\n"))
    await world.install()

    await world.consoles.look()

    assert world.host.asked == 0


async def test_what_comes_by_syslog_is_not_told_twice() -> None:
    world = World()
    await world.install()
    await world.store.record([Event(Kind.LOG, world.clock(), "syslog", install="i1", text="one")])
    world.files.said["i1", "log"] = b"one\n"
    await world.consoles.look()
    assert len(await world.events(Kind.LOG)) == 1

    world.clock.pass_(60)  # its network is gone
    world.files.said["i1", "log"] += b"two\n"
    await world.consoles.look()
    assert [e.text for e in await world.events(Kind.LOG)] == ["one", "two"]
