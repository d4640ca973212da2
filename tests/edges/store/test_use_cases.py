"""The use cases around guests on the real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict
from provisioner.core.install import Event, Kind, Stage
from provisioner.service.guests import Guests
from provisioner.service.reconcile import reconcile
from provisioner.service.requests import CreateGuest
from provisioner.service.tokens import KINDS, Tokens
from provisioner.store.database import Database
from tests.fakes import IMAGE, CountingIds, FakeClock, FakeHypervisor
from tests.memory import MemoryStore
from tests.unit.service.world import KEY, World

HASH = "$6$salt$" + "h" * 86
REQUEST = CreateGuest("web1", "tiny", ssh_keys=("ssh-ed25519 AAAAcanary me@here",), root_password_hash=HASH)


class Service:
    """What is left after a kill: the database and libvirt."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.clock = FakeClock()
        self.libvirt = FakeHypervisor()
        self.ids = CountingIds()
        self.tokens = Tokens(KEY, store, self.clock)

    def guests(self) -> Guests:
        world = World(self.clock, MemoryStore(self.clock), self.libvirt, ids=self.ids)
        return world.guests(self.store)


@pytest.fixture
async def service(url: str, tmp_path: Path) -> AsyncIterator[Service]:
    store = Database(url)
    await store.open()
    await store.migrate(tmp_path / "backup")
    await store.put_image(IMAGE)
    yield Service(store)
    await store.close()


async def test_of_a_hundred_that_ask_for_one_name_one_gets_it(service: Service) -> None:
    workers = [service.guests() for _ in range(4)]

    done = await asyncio.gather(*(workers[n % 4].create(REQUEST) for n in range(100)), return_exceptions=True)

    refused = [error for error in done if isinstance(error, BaseException)]
    assert (len(refused), {type(error) for error in refused}) == (99, {Conflict})
    assert len(service.libvirt.there) == len(service.libvirt.disks) == 1
    assert len(await service.store.installs()) == len(await service.store.machines()) == 1


async def test_no_token_is_in_the_database_and_no_secret_in_events_or_journal(
    service: Service, url: str
) -> None:
    made = await service.guests().create(REQUEST)
    await service.guests().rebuild("web1")
    minted = [service.tokens.mint(i, kind, 1) for i in ("i1", "i2") for kind in KINDS]

    told = repr([made.plan, await service.store.events(), await service.store.open_journal()])
    file = Path(url.partition("///")[2])
    raw = b"".join(path.read_bytes() for path in file.parent.iterdir())

    assert b"web1" in raw
    assert [token for token in minted if token.encode() in raw] == []
    assert [s for s in (*minted, HASH, "AAAAcanary") if s in told] == []


async def test_the_whole_way_of_an_install(service: Service) -> None:
    await service.guests().create(REQUEST)
    mac = (await service.store.guest("web1")).spec.mac
    way = (
        (Kind.DHCP_QUESTION, Stage.BOOTING, 3),
        (Kind.LOADER_SENT, Stage.LOADING, 6),
        (Kind.ANSWER_SERVED, Stage.INSTALLING, 20),
        (Kind.SUCCEEDED, Stage.FINISHING, 92),
        (Kind.REBOOTED, Stage.INSTALLED, 100),
        (Kind.FIRST_BOOT, Stage.INSTALLED, 100),
    )
    for kind, stage, percent in way:
        service.clock.pass_(1)
        await service.store.record([Event(kind, service.clock(), "test", machine=mac)])
        install = await service.store.install("web1")

        assert (install.stage, install.percent) == (stage, percent)
    assert await reconcile(service.store, service.libvirt, service.guests(), service.clock) == []


async def test_a_creation_cut_off_goes_on_from_the_database(service: Service, url: str) -> None:
    """The task dies with the process; what another process finds in the file is enough to go on."""
    guests = service.guests()
    making = asyncio.create_task(guests.create(REQUEST))
    while not service.libvirt.disks:
        await asyncio.sleep(0)
    for task in (making, *guests.execution._running.values()):
        task.cancel()
    await asyncio.gather(making, return_exceptions=True)
    await service.store.close()
    service.store = Database(url)
    service.tokens = Tokens(KEY, service.store, service.clock)
    await service.store.open()

    told = await reconcile(service.store, service.libvirt, service.guests(), service.clock)

    assert told == ["guest web1: install i1 was cut off while it was made; it goes on"]
    assert [d.state for d in service.libvirt.there.values()] == ["running"]
    assert (await service.store.install("web1")).stage is Stage.BOOTING
    await service.store.close()
