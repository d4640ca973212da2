"""TFTP on one address: the listener, which decides about requests and counts transfers.

Every datagram is handled inside a guard, so that none can end the loop.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioner.boot.client import Ignore, Local
from provisioner.boot.loader import canonical
from provisioner.core.install import Kind
from provisioner.netboot import wire
from provisioner.netboot.ports import naming
from provisioner.netboot.session import AT_ONCE, DATAGRAM, Peer, Session, bound, send
from provisioner.netboot.told import Told
from provisioner.netboot.transfer import Transfer, agree

Loader = Callable[[str, str, Local], bytes | Ignore | None]
"""Asked with (name as sent, client's address, ours); None where there is no such file."""

_log = logging.getLogger(__name__)
_HEADERS = 32  # IPv4, UDP and TFTP


@dataclass(frozen=True, slots=True)
class Limits:
    """Transfers at the same time. At a limit the oldest that never acknowledged anything makes room."""

    client: int = 16
    total: int = 800


class Tftp:
    """Answers read requests to one address. `loader` decides and gives the bytes; writes are refused."""

    def __init__(
        self, local: Local, mtu: int, loader: Loader, told: Told, limits: Limits | None = None
    ) -> None:
        self.local = local
        self._largest = max(512, min(65464, mtu - _HEADERS))
        self._loader = loader
        self._told = told
        self._limits = limits or Limits()
        self._sessions: dict[Peer, Session] = {}
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port in use, for a listener that was opened on port 0."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0

    @property
    def transfers(self) -> int:
        return len(self._sessions)

    def open(self, port: int) -> None:
        """Raises Unavailable where the port is taken or not allowed, OSError where the interface is gone."""
        with naming("udp", self.local.address, port):
            self._socket = bound(self.local.address, port)
        asyncio.get_running_loop().add_reader(self._socket, self._readable, self._socket)

    def close(self) -> None:
        for session in list(self._sessions.values()):
            session.close()
        self._sessions.clear()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _ended(self, session: Session) -> None:
        session.close()
        if self._sessions.get(session.peer) is session:
            del self._sessions[session.peer]
        transfer, name, address = session.transfer, canonical(session.asked.name), session.peer[0]
        facts: Mapping[str, object] = {
            "file": name,
            "bytes": transfer.delivered,
            "seconds": round(session.seconds, 3),
            "retransmissions": transfer.retransmissions,
            "blksize": transfer.terms.blksize,
            "windowsize": transfer.terms.window,
        }
        size = f"{transfer.delivered} bytes in {session.seconds:.2f} s"
        match transfer.outcome:
            case "sent" | "unconfirmed":
                note = "" if transfer.outcome == "sent" else ", last block unconfirmed"
                self._told.tell(
                    Kind.LOADER_SENT, "tftp", f"{name}: {size}{note}", address=address, data=facts
                )
            case "silent":
                text = f"{name}: the client fell silent after {size}"
                self._told.tell(Kind.LOADER_FAILED, "tftp", text, address=address, data=facts, once=name)
            case "aborted":
                text = f"{name}: the client gave up after {size}: {transfer.said}"
                self._told.tell(Kind.LOADER_FAILED, "tftp", text, address=address, data=facts, once=name)
            case "probe" | "running":
                pass  # it only asked for the size, or made room for another

    def _readable(self, listener: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                data, peer = listener.recvfrom(DATAGRAM)
            except OSError:
                return
            try:
                self._asked(listener, data, peer)
            except Exception:
                _log.exception("a TFTP request from %s could not be handled", peer[0])

    def _asked(self, listener: socket.socket, data: bytes, peer: Peer) -> None:
        match wire.request(data):
            case wire.Read() as asked:
                self._read(listener, asked, peer)
            case wire.Refusal(code, text):
                send(listener, wire.error(code, text), peer)
                self._told.tell(Kind.LOG, "tftp", f"refused: {text}", address=peer[0], once=text)
            case None:
                pass

    def _read(self, listener: socket.socket, asked: wire.Read, peer: Peer) -> None:
        standing = self._sessions.get(peer)
        if standing is not None and standing.asked == asked and not standing.transfer.heard:
            return  # the same request again: the answer's own timer is running
        name = canonical(asked.name)
        content = self._loader(asked.name, peer[0], self.local)
        if content is None:
            send(listener, wire.error(wire.NOT_FOUND, f"no file {name[:100]} here"), peer)
            self._told.tell(Kind.LOG, "tftp", f"no file {name[:100]!r} here", address=peer[0], once=name)
        elif isinstance(content, Ignore):
            send(listener, wire.error(wire.UNDEFINED, content.reason), peer)
            self._told.ignored("tftp", content, address=peer[0])
        elif self._make_room(peer):
            terms = agree(asked.options, len(content), self._largest)
            try:
                self._sessions[peer] = Session(
                    self.local.address, peer, asked, Transfer(content, terms), self._ended
                )
            except OSError as error:
                _log.warning("no socket for a TFTP transfer to %s: %s", peer[0], error)
                send(listener, wire.error(wire.UNDEFINED, "no socket left; try again"), peer)
        else:
            send(listener, wire.error(wire.UNDEFINED, "too many transfers; try again"), peer)

    def _make_room(self, peer: Peer) -> bool:
        """Whether one more transfer fits, after one that stands in its way was let go."""
        if (same := self._sessions.get(peer)) is not None:
            self._drop(same)
        mine = [session for session in self._sessions.values() if session.peer[0] == peer[0]]
        for crowd, limit in (
            (mine, self._limits.client),
            (list(self._sessions.values()), self._limits.total),
        ):
            if len(crowd) < limit:
                continue
            unheard = next((session for session in crowd if not session.transfer.heard), None)
            if unheard is None:
                return False
            self._drop(unheard)
        return True

    def _drop(self, session: Session) -> None:
        session.close()
        del self._sessions[session.peer]
