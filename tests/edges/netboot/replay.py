"""The client's side of a recorded conversation, said again to our own servers.

    python -m tests.edges.netboot.replay [NAME…]

writes the expected files beside the recordings anew: NAME.answers is what each question gets, NAME.watch what
`provisioner netboot watch` prints meanwhile. Look at the difference before you commit it.
"""

import asyncio
import re
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from provisioner.boot.client import Ignore, Local
from provisioner.boot.conversation import Conversation, Malformed, Packet, Run, parse
from provisioner.cli.netboot import line, of_a_boot
from provisioner.core.firmware import ALL, Dialect
from provisioner.core.install import Event, Install, Kind
from provisioner.core.profile import Profile, Tree
from provisioner.netboot import packet, wire
from provisioner.netboot.proxydhcp import ProxyDhcp
from provisioner.netboot.tftp import Tftp
from provisioner.netboot.told import Told
from provisioner.service.booting import Booting
from provisioner.service.recipes import Recipes
from provisioner.service.snapshot import Snapshot
from tests.edges.web.world import World, arguments, now
from tests.unit.netboot.test_packet import fields

DATA = Path(__file__).parents[2] / "data" / "conversations"
# What the clients of a recording were given first; the others iPXE.
LOADERS: dict[str, Dialect] = {
    "bios-pxelinux": "pxelinux",
    "bios-lpxelinux": "pxelinux",
    "uefi-shim": "grub",
    "uefi-http-shim": "grub",
}
PROFILE = Profile("p", "image", "t", "image/ks.cfg.j2")
TREE = Tree("t", "/srv/t", "image", "1", "vmlinuz", "initrd.img")
SHELF = {name: bytes(100_000) for name in ALL}
_PLACE = "127.0.0.1"
_SECONDS = re.compile(r" in \d+\.\d\d s.*")


def names() -> list[str]:
    return sorted(file.stem for file in DATA.glob("*.txt"))


def recorded(name: str) -> Conversation:
    found = parse((DATA / f"{name}.txt").read_text())
    assert not isinstance(found, Malformed), f"{name}.txt, {found}"
    return found


@dataclass
class Replay:
    """A guest of ours with the recorded card, its install running, and every door that it can ask at."""

    world: World
    conversation: Conversation
    install: Install
    recipes: Recipes
    answers: list[str] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    _told: list[Event] = field(default_factory=list)
    _seen: int = 0

    async def run(self) -> None:
        snapshot = Snapshot(
            self.world.store,
            loaders=SHELF,
            recipes=self.recipes,
            neighbour=lambda _: self.conversation.client,
        )
        await snapshot.refresh()
        server = next(packet.source for packet in self.conversation.packets if packet.sender == "server")
        self.local = Local("br0", server.partition(":")[0])
        told = Told(self._told.append, now, lambda _: self.conversation.client, self.local)
        self._snapshot = snapshot
        self._dhcp = ProxyDhcp(self.local, snapshot.decide, told)
        self._tftp = Tftp(Local("br0", _PLACE), 1500, snapshot.loader, told)
        self._tftp.open(0)
        self._seen = (await self.world.store.events())[-1].id
        try:
            for at, asked in enumerate(self.conversation.packets):
                if asked.sender == "client" and not isinstance(asked.payload, Run):
                    await self._say(asked, self.conversation.packets[at + 1 :])
                    if self._gives_more(asked, self.conversation.packets[at + 1 :]):
                        break
        finally:
            self._tftp.close()

    async def _say(self, asked: Packet, later: tuple[Packet, ...]) -> None:
        match asked.protocol, asked.payload:
            case "dhcp", bytes() as data:
                said = self._ask_dhcp(asked, data)
            case "tftp", bytes() as data if asked.port == 69:
                said = [await self._ask_tftp(data, _of(asked, later))]
            case "http", tuple() as head:
                said = [await self._ask_http(head[0])]
            case _:
                return
        summary = asked.summary.split(" HTTP/")[0]
        self.answers += [
            f"{asked.protocol}: {summary}",
            *(f"  {each}" for each in said),
        ]
        await self._watch(asked)

    def _gives_more(self, asked: Packet, later: tuple[Packet, ...]) -> bool:
        """Whether we gave a file that was refused when it was recorded: the client would not go on so."""
        answer = next((each for each in later if each.target == asked.source), None)
        refused = answer is not None and isinstance(answer.payload, bytes) and answer.payload[1] == wire.ERROR
        return asked.port == 69 and refused and "OACK" in self.answers[-1]

    def _ask_dhcp(self, asked: Packet, data: bytes) -> list[str]:
        if asked.port == 67 and not asked.target.startswith("255.255.255.255:"):
            return ["not heard: it is sent to the DHCP server alone"]
        reply = self._dhcp.answer(data, asked.port)
        if reply is not None:
            return _reply(reply, data)
        question = packet.decode(data, asked.port)
        found = question if isinstance(question, Ignore) else self._snapshot.decide(question, self.local)
        why = found.reason if isinstance(found, Ignore) else "it is between the client and its DHCP server"
        return [f"silence: {why}"]

    async def _ask_tftp(self, data: bytes, later: list[bytes | Run]) -> str:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((_PLACE, 0))
            await loop.sock_sendto(sock, data, (_PLACE, self._tftp.port))
            answer, peer = await asyncio.wait_for(loop.sock_recvfrom(sock, 65536), 10)
            refused = next((each for each in later if isinstance(each, bytes)), None)
            if refused is not None:
                await loop.sock_sendto(sock, refused, peer)
            elif any(isinstance(each, Run) for each in later) and answer[1] != wire.ERROR:
                await _fetch(sock, answer, peer)
            async with asyncio.timeout(20):
                while refused is None and self._tftp.transfers and later:
                    await asyncio.sleep(0.001)
        return _tftp(answer)

    async def _ask_http(self, request: str) -> str:
        method, path, _ = request.split(" ", 2)
        token = self.world.token(self.install, "stub")
        sent = len(await self.world.store.events(kinds=[Kind.LOADER_SENT]))
        status, body, headers = await self.world.get(path.replace("***", token), method=method)
        if not body.startswith(b"#!ipxe"):
            if method == "GET" and status == 200:
                await self.world.until(Kind.LOADER_SENT, sent + 1)  # it is noted after the last byte
            if status == 200:
                return f"{status}, {headers.get('Content-Length')} bytes"
            empty = headers.get("Content-Length", "0") == "0"
            return f"{status}, {'without' if empty else 'with'} a body"  # EDK2 stands still without one
        if b"/boot/script/" in body:
            return f"{status}, the public script"
        return (
            f"{status}, the machine's own script"
            if b"\nkernel " in body
            else f"{status}, a script that says no"
        )

    async def _watch(self, asked: Packet) -> None:
        """Takes down what was told since the last question, as it is printed."""
        await self.world.store.record([*self._told])
        self._told.clear()
        for event in await self.world.store.events(after=self._seen):
            self._seen = event.id
            shown = _shown(event)
            if of_a_boot(shown):
                said = line(shown, self.install.guest if event.install else "").partition("  ")[2]
                self.watched.append(f"{asked.at / 1000:8.3f}  {_SECONDS.sub(' in … s', said)}")


async def replay(name: str, folder: Path, empty: Path, *, answered: bool = False) -> dict[str, str]:
    """What stands in the expected files, by suffix. `empty` is a database of the present form.

    With `answered` the machine has had its answer file.
    """
    conversation = recorded(name)
    world = World(folder, empty)
    recipes = Recipes(folder / "boot", SHELF)
    booting = Booting(
        world.store,
        world.tokens,
        now,
        arguments,
        loaders=SHELF,
        recipes=recipes,
        neighbour=world.neighbours.get,
    )
    world.services = replace(world.services, booting=booting)
    async with world:
        world.neighbours[_PLACE] = conversation.client
        await world.store.put_profile(PROFILE, new=True)
        await world.store.put_tree(TREE)
        install = await world.install(mac=conversation.client, loader=LOADERS.get(name, "ipxe"))
        said = Replay(world, conversation, install, recipes)
        if answered:
            await world.event(Kind.ANSWER_SERVED, said.install.id)
        await said.run()
    return {
        suffix: "\n".join((*lines, ""))
        for suffix, lines in zip(("answers", "watch"), (said.answers, said.watched), strict=True)
    }


def _of(asked: Packet, later: tuple[Packet, ...]) -> list[bytes | Run]:
    """What the client says in the transfer that it asks for here, up to the next request from that port."""
    found: list[bytes | Run] = []
    for each in later:
        if each.source != asked.source or isinstance(each.payload, tuple):
            continue
        if each.port == 69:
            break
        found.append(each.payload)
    return found


async def _fetch(sock: socket.socket, answer: bytes, peer: tuple[str, int]) -> None:
    """Reads a file to its end, as the answer's options have it."""
    loop = asyncio.get_running_loop()
    options = _options(answer)
    size, window, expected = int(options.get("blksize", 512)), int(options.get("windowsize", 1)), 1
    async with asyncio.timeout(20):
        if options:
            await loop.sock_sendto(sock, b"\0\4\0\0", peer)
            answer = await loop.sock_recv(sock, 65536)
        while True:
            if answer[:2] == b"\0\3" and int.from_bytes(answer[2:4], "big") == expected:
                last = len(answer) < size + 4
                if last or expected % window == 0:
                    await loop.sock_sendto(sock, b"\0\4" + answer[2:4], peer)
                if last:
                    return
                expected += 1
            answer = await loop.sock_recv(sock, 65536)


def _options(answer: bytes) -> dict[str, str]:
    if answer[:2] != b"\0\6":
        return {}
    words = answer[2:].decode().split("\0")
    return dict(zip(words[::2], words[1::2], strict=False))


def _tftp(answer: bytes) -> str:
    match answer[1]:
        case 3:
            return f"DATA {int.from_bytes(answer[2:4], 'big')}, no option agreed"
        case wire.ERROR:
            return f"ERROR {int.from_bytes(answer[2:4], 'big')}: {wire.text(answer[4:])}"
        case _:
            return "OACK " + ", ".join(f"{name} {value}" for name, value in _options(answer).items())


def _reply(reply: bytes, asked: bytes) -> list[str]:
    values, options = fields(reply)
    message = {2: "OFFER", 5: "ACK"}[options.pop(53)[0]]
    addresses = {name: IPv4Address(values[name]) for name in ("yiaddr", "siaddr")}
    shown = {code: value.hex() for code, value in options.items()}
    shown[54], shown[60] = str(IPv4Address(options[54])), options[60].decode()
    if 97 in options:
        shown[97] = "as asked" if options[97] in asked else options[97].hex()
    return [
        f"{message}: yiaddr {addresses['yiaddr']}, siaddr {addresses['siaddr']}, file {values['file']}",
        *(f"option {code}: {shown[code]}" for code in sorted(shown)),
    ]


def _shown(event: Event) -> Mapping[str, object]:
    """An event as the live stream gives it."""
    return {
        "at": event.at.isoformat(),
        "kind": str(event.kind),
        "source": event.source,
        "machine": event.machine,
        "text": event.text,
        "data": dict(event.data),
    }


async def _write(chosen: list[str]) -> None:
    from provisioner.store.database import Database

    with tempfile.TemporaryDirectory() as folder:
        store = Database(f"sqlite+aiosqlite:///{folder}/empty.db")
        await store.open()
        await store.migrate(Path(folder) / "backup")
        await store.close()
        for name in chosen:
            for suffix, text in (await replay(name, Path(folder), Path(folder) / "empty.db")).items():
                (DATA / f"{name}.{suffix}").write_text(text)


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1:] or names()))
