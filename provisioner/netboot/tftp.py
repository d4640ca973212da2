"""TFTP on one address: the listener, which decides about requests and counts transfers.

Every datagram is handled inside a guard, so that none can end the loop.
"""

import socket
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from provisioner.boot.client import Ignore, Local
from provisioner.boot.loader import Content, canonical, is_optional, sent
from provisioner.core.install import Kind
from provisioner.netboot import wire
from provisioner.netboot.datagrams import Datagrams, bound, send
from provisioner.netboot.framing import Shelf
from provisioner.netboot.habits import Habits
from provisioner.netboot.listener import Listener
from provisioner.netboot.mmsg import best
from provisioner.netboot.plane import Behind, Plane
from provisioner.netboot.ports import naming
from provisioner.netboot.session import Session
from provisioner.netboot.told import Told
from provisioner.netboot.transfer import Policy, agree

Loader = Callable[[str, str, Local], Content | Ignore | None]
"""Asked with (name as sent, client's address, ours); None where there is no such file."""

_SLOW = 0.05
"""Seconds of a round trip that no LAN has."""
_HEADERS = 32  # IPv4, UDP and TFTP


@dataclass(frozen=True, slots=True)
class Limits:
    """Transfers at the same time. At a limit the oldest that never acknowledged anything makes room."""

    client: int = 16
    total: int = 4000


class Tftp:
    """Answers read requests to one address. `loader` decides and gives the bytes; writes are refused."""

    def __init__(
        self,
        local: Local,
        mtu: int,
        loader: Loader,
        told: Told,
        limits: Limits | None = None,
        policy: Policy | None = None,
        datagrams: Callable[[socket.socket], Datagrams] = best,
        behind: Behind = lambda: False,
    ) -> None:
        self.local = local
        self._policy = replace(policy or Policy(), blksize=max(512, min(65464, mtu - _HEADERS)))
        self._habits = Habits(self._policy)
        self._shelf = Shelf(self._policy.rollover)
        self._loader = loader
        self._told = told
        self._limits = limits or Limits()
        self._datagrams = datagrams
        self._behind = behind
        self._plane: Plane | None = None
        self._of: defaultdict[str, dict[wire.Peer, Session]] = defaultdict(dict)
        """Sessions by the client's address, the oldest first."""
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The port in use, for a listener that was opened on port 0."""
        return int(self._listener.socket.getsockname()[1]) if self._listener is not None else 0

    @property
    def transfers(self) -> int:
        return len(self._plane.sessions) if self._plane is not None else 0

    def open(self, port: int) -> None:
        """Raises Unavailable where the port is taken or not allowed, OSError where the interface is gone."""
        self._plane = Plane(
            self.local.address, self._ended, self._policy.rollover, self._datagrams, self._behind
        )
        with naming("udp", self.local.address, port):
            sock = bound(self.local.address, port)
        self._listener = Listener(sock, "a TFTP request", partial(self._asked, sock, self._plane))

    def close(self) -> None:
        if self._plane is not None:
            self._plane.close()
            self._plane = None
        self._of.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _ended(self, session: Session) -> None:
        self._forget(session)
        self._habits.learn(session.peer[0], session)
        name, address, facts = canonical(session.asked.name), session.peer[0], _facts(session)
        size = f"{session.delivered} bytes in {session.seconds:.2f} s{_wire(session)}"
        match session.outcome:
            case "sent" | "unconfirmed":
                note = "" if session.outcome == "sent" else ", last block unconfirmed"
                self._told.tell(sent(name), "tftp", f"{name}: {size}{note}", address=address, data=facts)
            case "silent":
                text = f"{name}: the client fell silent after {size}"
                self._told.tell(Kind.LOADER_FAILED, "tftp", text, address=address, data=facts, once=name)
            case "aborted":
                text = f"{name}: the client gave up after {size}: {session.said}"
                self._told.tell(Kind.LOADER_FAILED, "tftp", text, address=address, data=facts, once=name)
            case "probe" | "running":
                pass  # it only asked for the size, or made room for another

    def _asked(self, listener: socket.socket, plane: Plane, data: bytes, peer: wire.Peer) -> None:
        match wire.request(data):
            case wire.Read() as asked:
                self._read(listener, plane, asked, peer)
            case wire.Refusal(code, text):
                send(listener, wire.error(code, text), peer)
                self._told.tell(Kind.LOG, "tftp", f"refused: {text}", address=peer[0], once=text)
            case None:
                pass

    def _read(self, listener: socket.socket, plane: Plane, asked: wire.Read, peer: wire.Peer) -> None:
        standing = plane.of(peer)
        if standing is not None and standing.asked == asked and not standing.heard:
            return  # the same request again: the answer's own timer is running
        name = canonical(asked.name)
        content = self._loader(asked.name, peer[0], self.local)
        if content is None:
            send(listener, wire.error(wire.NOT_FOUND, f"no file {name[:100]} here"), peer)
            if not is_optional(name):
                text = f"no file {name[:100]!r} here"
                self._told.tell(Kind.LOG, "tftp", text, address=peer[0], once=name)
        elif isinstance(content, Ignore):
            send(listener, wire.error(wire.UNDEFINED, content.reason), peer)
            self._told.ignored("tftp", content, address=peer[0])
        elif not self._begin(plane, asked, peer, content, standing):
            send(listener, wire.error(wire.UNDEFINED, "too many transfers; try again"), peer)

    def _begin(
        self, plane: Plane, asked: wire.Read, peer: wire.Peer, content: Content, standing: Session | None
    ) -> bool:
        """Whether there was room for the transfer, which takes the place of the peer's `standing` one."""
        if standing is not None:
            standing.left()
            plane.drop(standing)
            self._ended(standing)
        mine = self._of.get(peer[0], {})
        for crowd, limit in ((mine, self._limits.client), (plane.sessions, self._limits.total)):
            if len(crowd) >= limit:
                unheard = next((session for session in crowd.values() if not session.heard), None)
                if unheard is None:
                    return False
                self._drop(plane, unheard)
        terms = agree(asked.options, len(content), self._habits.policy(peer[0]))
        running = (session.frames for session in plane.sessions.values())
        frames = self._shelf.frames(content, terms.blksize, running)
        if frames is None:
            return False
        self._of[peer[0]][peer] = plane.begin(peer, asked, frames, terms)
        return True

    def _drop(self, plane: Plane, session: Session) -> None:
        plane.drop(session)
        self._forget(session)

    def _forget(self, session: Session) -> None:
        mine = self._of[session.peer[0]]
        mine.pop(session.peer, None)
        if not mine:
            del self._of[session.peer[0]]


def _wire(session: Session) -> str:
    """What is wrong with the way to the client, as far as the transfer shows it."""
    lossy = f", {session.losses} losses in {max(1, session.base)} blocks" if session.lossy else ""
    slow = session.round_trip >= _SLOW
    return lossy + (f", a round trip of {session.round_trip * 1000:.0f} ms" if slow else "")


def _facts(session: Session) -> Mapping[str, object]:
    return {
        "file": canonical(session.asked.name),
        "bytes": session.delivered,
        "seconds": round(session.seconds, 3),
        "retransmissions": session.retransmissions,
        "losses": session.losses,
        "lossy": session.lossy,
        "round_trip": round(session.round_trip, 6),
        "blksize": session.terms.blksize,
        "windowsize": session.terms.window,
    }
