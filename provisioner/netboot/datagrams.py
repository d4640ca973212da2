"""A UDP socket as a server of many clients uses it: what came, and what is to go, many at a time.

Here with one system call for each datagram, as every platform has it; `mmsg` does the same with few.
"""

import logging
import select
import socket
import struct
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

from provisioner.netboot.framing import Frames
from provisioner.netboot.listener import opening
from provisioner.netboot.session import Session
from provisioner.netboot.wire import Peer

Find = Callable[[Hashable], Session | None]
"""The transfer that a peer has."""

AT_ONCE = 128
"""Datagrams that are read in one go, before others have their turn."""
DATAGRAM = 2048
PATIENCE = 2
"""Milliseconds that a full send buffer is waited for; what does not leave then is a packet lost."""
_BUFFER = 8 * 1024 * 1024
"""For many windows."""
_RCVBUFFORCE, _SNDBUFFORCE = 33, 32
_log = logging.getLogger(__name__)
_word = struct.Struct("!I")


Received = Sequence[tuple[Hashable, int]]
"""A peer's key, and the first four bytes of its datagram as one number: opcode and block, or error code."""


class Datagrams(Protocol):
    """`Key` is a peer as this socket tells one from another, and is only good for this socket.

    Nothing is raised for a packet that cannot leave: it is lost, and its timer sends it again.
    """

    def key(self, peer: Peer) -> Hashable: ...

    def receive(self) -> Received:
        """Of each datagram that is there; 0 for one under four bytes."""
        ...

    def taken(self, data: bytes, peer: Peer) -> Received:
        """The same of one datagram that was read without it."""
        ...

    def answer(self, received: Received, find: Find, now: float) -> Received:
        """Sends the next window to each whose transfer goes the fast way; all others that were received."""
        ...

    def text(self, index: int) -> bytes:
        """What follows the number in a datagram of the last `receive` or `taken`, its first hundred bytes."""
        ...

    def put(self, frames: Frames, block: int, key: Any) -> None:
        """Lays a block that was made ready on the stack to go."""
        ...

    def put_window(self, frames: Frames, first: int, until: int, key: Any) -> None:
        """The same for those from `first` up to and without `until`."""
        ...

    def flush(self) -> None:
        """Sends what was put."""
        ...

    def send(self, packet: bytes, key: Any) -> None:
        """One packet at once."""
        ...


class Plain:
    """`recvfrom` and `sendto`."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._texts: list[bytes] = []

    def key(self, peer: Peer) -> Peer:
        return peer

    def receive(self) -> list[tuple[Peer, int]]:
        found: list[tuple[Peer, int]] = []
        self._texts = []
        for _ in range(AT_ONCE):
            try:
                data, peer = self._socket.recvfrom(DATAGRAM)
            except OSError:
                break
            found.append(self._taken(data, peer))
        return found

    def taken(self, data: bytes, peer: Peer) -> list[tuple[Peer, int]]:
        self._texts = []
        return [self._taken(data, peer)]

    def _taken(self, data: bytes, peer: Peer) -> tuple[Peer, int]:
        self._texts.append(data[4:104])
        return peer, beginning(data)

    def answer(self, received: Received, find: Find, now: float) -> Received:
        rest = []
        for key, word in received:
            session = find(key)
            if session is None or session.fast != word:
                rest.append((key, word))
            else:
                session.step(now)
                self.put_window(session.frames, session.base + 1, session.sent + 1, session.peer)
        return rest

    def text(self, index: int) -> bytes:
        return self._texts[index]

    def put(self, frames: Frames, block: int, key: Peer) -> None:
        offset, size = frames.run(block, block + 1)
        send(self._socket, frames.view[offset : offset + size], key)

    def put_window(self, frames: Frames, first: int, until: int, key: Peer) -> None:
        for block in range(first, until):
            self.put(frames, block, key)

    def flush(self) -> None:
        pass

    def send(self, packet: bytes, key: Peer) -> None:
        send(self._socket, packet, key)


def beginning(data: bytes) -> int:
    """The first four bytes as one number, 0 where there are fewer."""
    number: int = _word.unpack_from(data)[0] if len(data) >= _word.size else 0
    return number


def bound(address: str, port: int) -> socket.socket:
    """A UDP socket that does not block. Raises OSError."""
    with opening(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
    return sock


def roomy(sock: socket.socket, size: int = _BUFFER) -> socket.socket:
    """The socket with buffers of so many bytes, beyond the system's limit where that is allowed."""
    for forced, plain in ((_RCVBUFFORCE, socket.SO_RCVBUF), (_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, size)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, plain, size)
    return sock


def send(sock: socket.socket, packet: bytes | memoryview, peer: Peer) -> None:
    """A packet that cannot leave is a packet lost: a timer sends it again."""
    try:
        sock.sendto(packet, peer)
    except BlockingIOError:
        if writable(sock):
            send(sock, packet, peer)
    except OSError as error:
        _log.debug("a packet to %s was not sent: %s", peer[0], error)


def writable(sock: socket.socket) -> bool:
    """Whether a full send buffer drains in time."""
    waiting = select.poll()
    waiting.register(sock, select.POLLOUT)
    return bool(waiting.poll(PATIENCE))
