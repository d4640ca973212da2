"""Installer logs over real sockets, by datagram and by stream."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from provisioner.boot.client import Local
from provisioner.core.install import Kind
from provisioner.netboot.server import Netboot, NetbootSettings
from provisioner.netboot.syslog import Syslog
from provisioner.netboot.told import Told
from tests.edges.netboot.serving import Events, everybody, loader, now

MAC = "52:54:00:00:00:01"


def who(address: str) -> str | None:
    return MAC if address == "127.0.0.1" else None


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def syslog(events: Events) -> AsyncIterator[Syslog]:
    server = Syslog("127.0.0.1", Told(events.take, now, who, Local("lo", "127.0.0.1")), who)
    await server.open(0)
    yield server
    server.close()


async def lines(events: Events, count: int) -> list[str]:
    while len(events) < count:
        await asyncio.sleep(0.01)
    return [event.text for event in events]


def send(port: int, *messages: bytes, source: str = "127.0.0.1") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        for message in messages:
            sock.sendto(message, ("127.0.0.1", port))


async def test_datagrams(syslog: Syslog, events: Events) -> None:
    send(syslog.port, b"<30>main-menu: one", b"", b"<30>\x1b[31mtwo\n")

    assert await lines(events, 2) == ["main-menu: one", "[31mtwo"]
    assert {(event.kind, event.source, event.machine) for event in events} == {(Kind.LOG, "syslog", MAC)}


@pytest.mark.parametrize(
    "pieces",
    [[b"<6>one\n<6>two\n"], [b"<6>o", b"ne\n<6>tw", b"o\n"], [b"6 <6>one", b"6 <6>two"], [b"<6>one\n<6>two"]],
)
async def test_streams(syslog: Syslog, events: Events, pieces: list[bytes]) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", syslog.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    writer.close()
    await writer.wait_closed()

    assert await lines(events, 2) == ["one", "two"]


async def test_strangers_are_not_written_down(syslog: Syslog, events: Events) -> None:
    send(syslog.port, *[b"<6>noise"] * 50, source="127.0.0.2")
    send(syslog.port, b"<6>ours")

    assert await lines(events, 1) == ["ours"]


async def test_a_flood_is_cut_and_the_cut_is_told(syslog: Syslog, events: Events) -> None:
    for number in range(2000):
        syslog.received(b"<6>line %d" % number, "127.0.0.1")
    sent, cut, kept = 2000, 0, 0
    async with asyncio.timeout(20):
        while not cut or kept + cut < sent:  # each cut is told by what comes after it
            await asyncio.sleep(0.05)
            syslog.received(b"<6>later", "127.0.0.1")
            sent += 1
            told = [event.text for event in events if "came too fast" in event.text]
            cut, kept = sum(int(text.split()[0]) for text in told), len(events) - len(told)

    assert kept + cut == sent


async def test_a_stream_without_an_end_of_line_is_closed(syslog: Syslog, events: Events) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", syslog.port)
    with pytest.raises(ConnectionError):
        for _ in range(1000):
            writer.write(b"x" * 10_000)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()
        raise ConnectionResetError
    writer.close()
    send(syslog.port, b"<6>still here")

    assert (await lines(events, 1))[-1] in ("still here", "x" * 1024)


async def test_one_address_cannot_take_every_connection(syslog: Syslog) -> None:
    opened = [await asyncio.open_connection("127.0.0.1", syslog.port) for _ in range(12)]
    closed = [reader for reader, _ in opened[8:]]

    assert [await reader.read() for reader in closed] == [b""] * 4
    for _, writer in opened:
        writer.close()


async def test_logs_alone_take_no_port_that_needs_rights(events: Events) -> None:
    """Ports 67, 69 and 4011 are nobody's here: opening them would be refused to an ordinary user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = NetbootSettings(
        ("lo",), netboot=False, dhcp_port=-1, proxy_port=-1, tftp_port=-1, syslog_port=port
    )
    server = Netboot(settings, everybody, loader, events.take, now, who)
    ready = asyncio.Event()
    running = asyncio.create_task(server.run(ready.set))
    try:
        await ready.wait()
        assert server.serving == {"lo": "127.0.0.1"}
        send(port, b"<30>main-menu: one")
        assert await lines(events, 1) == ["main-menu: one"]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
