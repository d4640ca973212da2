"""Whether the other end has taken a response whole: written to the socket, and acknowledged by its kernel.

An answer file fits into a socket's buffer, so "written" alone would hold for a machine that was switched
off a moment before. Linux tells how many bytes of a connection are not acknowledged yet.
"""

import asyncio
import fcntl
import os
import socket
import struct
import termios
from types import TracebackType

_TCP_CLOSE = 7
"""The state of a connection that was reset; an orderly end passes through other states."""
_LOOK_SECONDS = 0.005
_LOOK_SECONDS_MAX = 0.25


class Delivery:
    """Watches one connection from before the response is written.

    It holds a duplicate of the socket, so that it can still ask after the client has closed its end.
    """

    def __init__(self, transport: asyncio.Transport | None, *, patience: float = 30.0) -> None:
        sock = transport.get_extra_info("socket") if transport is not None else None
        self._transport = transport
        self._patience = patience
        self._socket: socket.socket | None = None
        if sock is not None and sock.fileno() >= 0:
            self._socket = socket.socket(fileno=os.dup(sock.fileno()))

    def __enter__(self) -> "Delivery":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()

    async def complete(self) -> bool:
        """Waits until every byte was acknowledged; False where the connection broke or patience ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        pause = _LOOK_SECONDS
        while self._socket is not None:
            if self._broken(self._socket):
                return False
            if self._unwritten() == 0 and _unacknowledged(self._socket) == 0:
                return True
            if loop.time() > deadline:
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LOOK_SECONDS_MAX)
        return False

    def _unwritten(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def _broken(self, sock: socket.socket) -> bool:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def _unacknowledged(sock: socket.socket) -> int:
    """Bytes in the send queue, sent or not, that the peer has not acknowledged (SIOCOUTQ)."""
    answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])
