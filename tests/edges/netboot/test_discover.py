"""Machines that nobody named, over real sockets into a real database: registered, but never a flood."""

import asyncio
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.core.install import Event, Kind
from provisioner.core.machine import Machine
from provisioner.netboot.server import Netboot, NetbootSettings
from provisioner.service.machines import Machines
from provisioner.service.recorder import Recorder
from provisioner.service.sightings import Sightings
from provisioner.service.snapshot import Snapshot
from provisioner.service.tokens import Tokens
from provisioner.store.database import Database
from tests.edges.netboot.serving import LOADERS, Running, now
from tests.edges.netboot.spaces import BROADCAST, CLIENT_MAC, Network, needs_namespaces, network
from tests.edges.netboot.test_networks import question
from tests.fakes import CountingIds, FakeProfiles, no_staging

pytestmark = needs_namespaces
FLOOD = 3000


@dataclass
class Site:
    """A netboot as the service's child runs it, and the store that it shares with the service."""

    net: Network
    running: Running
    store: Database
    recorder: Recorder
    machines: Machines

    def discover(self, xid: int, name: str = "uefi-pxe-1") -> None:
        with self.net.client_socket() as sock:
            sock.sendto(question(name, xid), (BROADCAST, 67))

    def offered(self, xid: int) -> bool:
        """Whether our question is answered with a loader, asked until something is."""
        with self.net.client_socket() as sock:
            sock.settimeout(0.2)
            for _ in range(100):
                sock.sendto(question("uefi-pxe-1", xid), (BROADCAST, 67))
                try:
                    while (data := sock.recv(2048))[4:8] != struct.pack("!I", xid):
                        pass
                except TimeoutError:
                    continue
                return b"snponly.efi" in data
        return False

    def known(self) -> list[Machine]:
        return self.running.wait(self.store.machines())

    def events(self, *kinds: Kind) -> list[Event]:
        return self.running.wait(self.store.events(kinds=kinds, limit=100_000))

    def asking(self, xid: int, true: Callable[[], bool]) -> None:
        """Asks again and again, as firmware does, until something is true."""

        def asked() -> bool:
            self.discover(xid)
            return true()

        self.until(asked)

    def until(self, true: Callable[[], bool]) -> None:
        for _ in range(600):
            if true():
                return
            self.running.wait(asyncio.sleep(0.05))
        pytest.fail("it never came true")


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@contextmanager
def site(net: Network, folder: Path, *, discover: bool = True) -> Iterator[Site]:
    made: list[Site] = []

    async def main(started: Callable[[], None]) -> None:
        store = Database(f"sqlite+aiosqlite:///{folder / 'provisioner.db'}")
        await store.open()
        await store.migrate(folder)
        recorder = Recorder(store)
        sightings = Sightings(recorder.emit, now, discover=discover)
        snapshot = Snapshot(store, loaders=LOADERS, sightings=sightings)
        settings = NetbootSettings((net.bridge,), router_advertisement=False, poll=0.05)
        netboot = Netboot(settings, snapshot.decide, snapshot.loader, recorder.emit, now, snapshot.known)
        machines = Machines(
            store, Tokens(b"k" * 32, store, now), FakeProfiles(), now, CountingIds(), no_staging
        )
        made.append(Site(net, running, store, recorder, machines))
        works = (netboot.run(started), snapshot.keep(), recorder.keep())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await store.close()

    running = Running(main, net.server)
    with running:
        yield made[0]


def test_a_stranger_is_registered_boots_its_disk_and_is_installed_once(net: Network, tmp_path: Path) -> None:
    with site(net, tmp_path) as here:
        here.discover(1)
        here.until(lambda: len(here.known()) == 1)
        (found,) = here.known()
        assert (found.name, found.mac) == ("machine-5254007e5701", CLIENT_MAC)
        assert (found.discovered, found.firmware, bool(found.uuid)) == (True, "uefi", True)
        here.asking(2, lambda: len(here.events(Kind.LOCAL_BOOT)) == 1)
        told = [event.text for event in here.events(Kind.DHCP_IGNORED, Kind.LOCAL_BOOT)]
        assert told == [
            "registered; boots its disk until an install is asked for",
            "boot your disk: no install is asked for",
        ]
        here.discover(3, "uefi-pxe-2")  # to its DHCP server, for the address that it wants
        here.until(lambda: here.known()[0].address != "")

        _, install = here.running.wait(here.machines.install(CLIENT_MAC, "tiny", "rack1"))
        assert here.offered(4)
        here.running.wait(here.store.record([Event(Kind.ANSWER_SERVED, now(), "http", install=install.id)]))
        here.until(lambda: len(here.events(Kind.ANSWER_SERVED)) == 1)
        here.asking(5, lambda: "the answer file" in here.events(Kind.LOCAL_BOOT)[-1].text)
        assert [machine.name for machine in here.known()] == ["rack1"]


def test_a_stranger_stays_one_where_nobody_asked_for_discovery(net: Network, tmp_path: Path) -> None:
    with site(net, tmp_path, discover=False) as here:
        here.discover(1)
        here.until(lambda: len(here.events(Kind.DHCP_IGNORED)) == 1)

        assert here.known() == []
        assert here.events(Kind.MACHINE_DISCOVERED) == []


def test_a_flood_of_made_up_addresses_fills_nothing_and_holds_up_nobody(net: Network, tmp_path: Path) -> None:
    with site(net, tmp_path) as here:
        here.running.wait(here.machines.install(CLIENT_MAC, "tiny", "rack1"))
        assert here.offered(1)
        with net.client_socket() as sock:
            data = question("uefi-pxe-1", 2)
            identity = data.index(b"\x61\x11\0")
            for number in range(FLOOD):
                mac = b"\x52\x54\x77" + number.to_bytes(3, "big")
                sent = data[:28] + mac + data[34 : identity + 3] + bytes(10) + mac + data[identity + 19 :]
                sock.sendto(sent, (BROADCAST, 67))
                if number % 500 == 0:
                    assert here.offered(1000 + number), "a flood must not starve a machine that installs"
        here.until(lambda: len(here.events(Kind.ALARM)) == 1)
        assert here.offered(3)
        here.running.wait(here.recorder.flush())

        strangers = [e.machine for e in here.events(Kind.MACHINE_DISCOVERED) if e.machine != CLIENT_MAC]
        here.until(lambda: {machine.mac for machine in here.known()} == {*strangers, CLIENT_MAC})
        registered = len(here.known()) - 1
        rows = len(here.events())
        print(f"{FLOOD} made-up machines: {registered} registered, {rows} events")
        # A minute's share, and what more a minute that goes on meanwhile allows.
        assert 0 < registered <= 120
        assert len(here.events(Kind.ALARM)) == 1
        assert rows < FLOOD
