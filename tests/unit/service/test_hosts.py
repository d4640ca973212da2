"""Hosts by name: added, refused, resolved, listed with their state, checked, forgotten."""

from datetime import UTC, datetime

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.host import Host
from provisioner.core.install import Install, Stage
from provisioner.core.readings import Line, Readings
from provisioner.service.hosts import Registry
from provisioner.service.ports import GuestRow
from tests.connections import NODE, FakeConnections, FakeValidator
from tests.fakes import FakeClock
from tests.memory import MemoryStore

RACK = "qemu+tls://rack1.example/system"
UNSAFE = "qemu+tcp://old.example/system"
AT = datetime(2026, 1, 2, tzinfo=UTC)


class Book:
    """A registry with all that is behind it."""

    def __init__(self, **configured: Host) -> None:
        self.store = MemoryStore(FakeClock())
        self.connections = FakeConnections()
        self.validator = FakeValidator()
        self.hosts = Registry(
            self.store, self.connections, self.validator, local="qemu:///system", configured=configured
        )

    async def guest(self, name: str, uri: str) -> None:
        spec = GuestSpec(
            name,
            "p",
            "00000000-0000-4000-8000-000000000001",
            nics=(Nic("network", "default", "52:54:00:00:00:01"),),
        )
        install = Install("i1", name, spec.mac, spec.uuid, "p", Stage.PLANNED, AT, AT)
        await self.store.add_install(install, GuestRow(spec, "i1", "v", AT, {}, uri))


async def test_the_configured_host_is_called_local_and_comes_first() -> None:
    book = Book(alpha=Host("alpha", RACK))
    await book.hosts.add("beta", "qemu:///session")

    assert [(s.host.name, s.host.configured, s.up) for s in await book.hosts.states()] == [
        ("local", True, True),
        ("alpha", True, True),
        ("beta", False, True),
    ]


async def test_a_host_that_does_not_answer_is_kept_and_down() -> None:
    book = Book()
    book.connections.faults[RACK] = f"libvirt at {RACK} went away: it closed the connection"

    added = await book.hosts.add("rack1", RACK)

    assert (added.up, added.reason) == (False, "went away: it closed the connection")
    assert [host.name for host in await book.store.hosts()] == ["rack1"]
    with pytest.raises(Unavailable, match="trying to reach it again"):
        await book.hosts.show("rack1")
    assert (await book.hosts.show("local"))[1].node == NODE


REFUSED = {
    "no name": ("No Name", RACK, Invalid, "host name 'No Name' is not usable"),
    "local": ("local", RACK, Conflict, "a host called 'local' exists already"),
    "taken": ("rack1", "qemu:///session", Conflict, "a host called 'rack1' exists already"),
    "same": ("other", RACK, Conflict, "is the host rack1 already"),
    "the configured one": ("here", "qemu:///system", Conflict, "qemu:///system is the host local already"),
    "no URI": ("rack2", "rack2", Invalid, "'rack2' is not a libvirt URI"),
    "no driver": ("rack2", "nothing:///x", Invalid, "no connection driver available"),
    "unsafe": ("rack2", UNSAFE, Invalid, "is not encrypted, which is not accepted"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(case: str) -> None:
    name, uri, kind, words = REFUSED[case]
    book = Book()
    await book.hosts.add("rack1", RACK)

    with pytest.raises(kind, match=words):
        await book.hosts.add(name, uri)

    assert [host.name for host in await book.store.hosts()] == ["rack1"]
    assert set(book.connections.made) <= {RACK, "qemu:///system", "qemu:///session"}


async def test_an_unsafe_one_is_allowed_by_name_also_after_a_restart() -> None:
    book = Book()
    await book.hosts.add("old", UNSAFE, allow_unsafe=True)
    assert (await book.hosts.state("old")).up

    connections = FakeConnections()
    again = Registry(book.store, connections, FakeValidator(), local="qemu:///system", configured={})
    await again.allow()
    assert connections.allowed == {UNSAFE}
    assert (await again.state("old")).up
    await again.remove("old")
    assert connections.allowed == set()


async def test_an_unsafe_host_of_the_settings_must_be_allowed_there() -> None:
    with pytest.raises(Invalid, match=r"host old: .* is not encrypted") as caught:
        Book(old=Host("old", UNSAFE))
    assert "[hosts.old]" in caught.value.remedy

    await Book(old=Host("old", UNSAFE, allow_unsafe=True)).hosts.allow()
    with pytest.raises(Invalid, match="they are the same host"):
        Book(local=Host("local", RACK))


async def test_a_name_or_a_uri_is_resolved() -> None:
    book = Book()
    await book.hosts.add("rack1", RACK)
    await book.hosts.add("old", UNSAFE, allow_unsafe=True)

    expected = {
        "": "",
        "local": "",
        "qemu:///system": "",
        "rack1": RACK,
        RACK: RACK,
        "old": UNSAFE,
        UNSAFE: UNSAFE,
        "qemu:///session": "qemu:///session",
    }
    assert {text: await book.hosts.resolve(text) for text in expected} == expected
    with pytest.raises(NotFound, match="no host is called 'rack2'; known are local, old, rack1"):
        await book.hosts.resolve("rack2")
    with pytest.raises(Invalid, match="not encrypted"):
        await book.hosts.resolve("qemu+tcp://elsewhere/system")


async def test_a_host_is_forgotten_unless_something_needs_it() -> None:
    book = Book(alpha=Host("alpha", "qemu:///session"))
    await book.hosts.add("rack1", RACK)
    connection = book.connections.made[RACK]
    await book.guest("web1", RACK)

    with pytest.raises(Conflict, match="host rack1 has guests of ours: web1"):
        await book.hosts.remove("rack1")
    await book.store.remove_guest("web1")
    await book.hosts.remove("rack1")

    assert connection.closed
    for name, kind in (("rack1", NotFound), ("alpha", Conflict), ("local", Conflict)):
        with pytest.raises(kind):
            await book.hosts.remove(name)


async def test_the_load_is_told_between_two_looks() -> None:
    book = Book()

    first, second = await book.hosts.load("local"), await book.hosts.load("local")

    assert (first.cpu, second.cpu) == (25.0, 25.0)
    assert (second.load.running, second.load.vcpus) == (2, 3)


async def test_a_comparison_needs_this_machine_and_its_virt_host_validate() -> None:
    book = Book()
    await book.hosts.add("rack1", RACK)
    book.connections.made[RACK].read = Readings(RACK, None)
    book.validator.lines = (Line("QEMU", "for hardware virtualization", "PASS"),)

    (row,) = await book.hosts.compare("local")
    assert (row.theirs, row.ours, row.differs) == ("PASS", "PASS", False)
    with pytest.raises(Invalid, match="looks at the machine that it runs on, and rack1"):
        await book.hosts.compare("rack1")
    book.validator.lines = None
    with pytest.raises(Unavailable, match="virt-host-validate"):
        await book.hosts.compare("local")
