"""A room of firmware that was switched on at once: DISCOVER, loader by TFTP, boot script by HTTP.

`python -m tests.bench.storm_load` with `Asked` as JSON on its command line prints `Stormed` as JSON.
"""

import asyncio
import json
import random
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address

import aiohttp

from tests.bench.dhcp_load import Wire, discover, mac, uuid
from tests.bench.tftp_load import SMALL
from tests.edges.netboot.serving import inside

FIRST = "10.213.32.0/20"
"""The addresses that the machines have, as a DHCP server would have lent them."""
_BASE = IPv4Address("10.213.32.10")
_XID = 46
_DISCOVERS = (4, 8, 16, 32)
"""Seconds until firmware asks again (PXE 2.1, 2.2.1)."""
_TFTP_SECONDS, _TFTP_TRIES = 1.0, 8
_WINDOW, _BLOCK = 4, 1428
_HTTP_TRIES = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """`machines` on `card` (in this namespace), heard on `device` of namespace `server`."""

    card: str
    server: str
    device: str
    address: str
    http_port: int
    machines: int
    seconds: float
    seed: int


@dataclass
class Stormed:
    """Offers' times in milliseconds, as the wire has them; `half` and `last` in seconds to the script."""

    scripts: int = 0
    lost: int = 0
    again: int = 0
    p50: float = 0
    p99: float = 0
    most: float = 0
    half: float = 0
    last: float = 0
    faults: list[str] = field(default_factory=list)


def first_address(number: int) -> str:
    return str(_BASE + number)


class Reader(asyncio.DatagramProtocol):
    """One transfer with a small window, acknowledged as a ROM does; `whole` is its length in bytes."""

    def __init__(self) -> None:
        self.whole: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()
        self._block = self._length = 0
        self._unsaid = 0
        self.to: tuple[str, int] | None = None
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        kind, number = struct.unpack_from("!HH", data)
        self.to = peer
        self.heard.set()
        if kind == 5 and not self.whole.done():
            self.whole.set_exception(ConnectionError(data[4:].decode(errors="replace")))
        if kind == 6:
            self.acknowledge()
        if kind != 3 or self.whole.done():
            return
        if number != self._block + 1 & 0xFFFF:
            self.acknowledge()
            return
        self._block, self._length, self._unsaid = number, self._length + len(data) - 4, self._unsaid + 1
        short = len(data) - 4 < _BLOCK
        if short or self._unsaid == _WINDOW:
            self.acknowledge()
        if short:
            self.whole.set_result(self._length)

    def acknowledge(self) -> None:
        self._unsaid = 0
        if self.to is not None and self.transport is not None:
            self.transport.sendto(struct.pack("!HH", 4, self._block), self.to)


async def fetched(asked: Asked, address: str) -> int:
    """The loader's length. Raises TimeoutError where a ROM would have given up."""
    loop = asyncio.get_running_loop()
    transport, reader = await loop.create_datagram_endpoint(Reader, local_addr=(address, 0))
    reader.transport = transport
    request = f"\0\1{SMALL}\0octet\0blksize\0{_BLOCK}\0windowsize\0{_WINDOW}\0".encode()
    try:
        for _ in range(_TFTP_TRIES * 8):
            if reader.to is None:
                transport.sendto(request, (asked.address, 69))
            else:
                reader.acknowledge()
            silent = 0
            while silent < 1:
                reader.heard.clear()
                done, _ = await asyncio.wait({reader.whole}, timeout=_TFTP_SECONDS)
                if done:
                    return reader.whole.result()
                silent += not reader.heard.is_set()
        raise TimeoutError("the loader did not come")
    finally:
        transport.close()


async def scripted(asked: Asked, number: int, address: str) -> str:
    """The machine's own script, as its iPXE asks for it."""
    root = f"http://{asked.address}:{asked.http_port}/boot"
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(f"{root}/ipxe") as answer:
            answer.raise_for_status()
        query = {"mac": mac(number), "uuid": uuid(number)}
        async with session.get(f"{root}/script/", params=query) as answer:
            return await answer.text()


class Room:
    """All machines, and the wire that tells when each question came and its offer went."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.wire = inside(asked.server, lambda: Wire(asked.device))
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((asked.card, 0))
        self.found = Stormed()
        self.took: list[float] = []

    async def listen(self) -> None:
        while True:
            self.wire.hear()
            await asyncio.sleep(0.002)

    async def machine(self, number: int, wait: float) -> None:
        await asyncio.sleep(wait)
        begun = time.monotonic()
        try:
            await self._offered(number)
            address = first_address(number)
            await fetched(self.asked, address)
            text = await scripted(self.asked, number, address)
            if f"plab-{number}" not in text:
                raise ValueError(f"not its script: {text[:200]!r}")
            self.found.scripts += 1
            self.took.append(time.monotonic() - begun)
        except (OSError, ValueError, aiohttp.ClientError) as error:
            self.found.lost += 1
            self.found.faults.append(f"machine {number}: {type(error).__name__} {error}")

    async def _offered(self, number: int) -> None:
        for turn, patience in enumerate(_DISCOVERS):
            self.found.again += bool(turn)
            xid = 1 + number + turn * self.asked.machines
            frame = discover(number)
            struct.pack_into("!I", frame, _XID, xid)
            self.socket.send(frame)
            end = time.monotonic() + patience
            while time.monotonic() < end:
                if xid in self.wire.went:
                    return
                await asyncio.sleep(0.01)
        raise TimeoutError("no offer came")

    def summed(self) -> Stormed:
        went, came = self.wire.went, self.wire.came
        times = sorted((went[xid] - at) / 1e6 for xid, at in came.items() if xid in went)
        took, found = sorted(self.took), self.found
        if times:
            found.p50, found.most = times[len(times) // 2], times[-1]
            found.p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        if took:
            found.half, found.last = took[len(took) // 2], took[-1]
        return found


async def load(asked: Asked) -> Stormed:
    chance, room = random.Random(asked.seed), Room(asked)
    listening = asyncio.create_task(room.listen())
    waits = [chance.uniform(0, asked.seconds) for _ in range(asked.machines)]
    await asyncio.gather(*(room.machine(number, wait) for number, wait in enumerate(waits)))
    listening.cancel()
    return room.summed()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(load(Asked(**json.loads(sys.argv[1])))))))
