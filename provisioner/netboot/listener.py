"""A socket whose datagrams are handed on one by one, so many at a time that others have their turn."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_AT_ONCE = 64
_LONGEST = 8192
"""Bytes: more than any packet that one of us would answer."""
_log = logging.getLogger(__name__)

Receive = Callable[[socket.socket], tuple[bytes, Any]]


@contextmanager
def opening(family: int, kind: int) -> Iterator[socket.socket]:
    """A socket that does not block and hears nothing yet. It is closed where the block raises."""
    sock = socket.socket(family, kind, 0)
    try:
        sock.setblocking(False)
        yield sock
    except BaseException:
        sock.close()
        raise


def datagram(sock: socket.socket) -> tuple[bytes, Any]:
    """What came and who sent it, as this family of sockets names a sender."""
    return sock.recvfrom(_LONGEST)


class Listener:
    """Owns an opened socket from now on. Whatever `heard` raises is logged and ends nothing.

    `name` says in the log what could not be handled. `receive` reads one datagram, and `heard` is called
    with what it gives.
    """

    def __init__(
        self,
        sock: socket.socket,
        name: str,
        heard: Callable[[bytes, Any], None],
        receive: Receive = datagram,
    ) -> None:
        self.socket = sock
        self._name = name
        self._heard = heard
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(sock, self._readable)

    def pause(self, seconds: float) -> None:
        """Hears nothing for that long. What comes meanwhile waits where there is room, and else is lost."""
        if self._pause is None:
            self._loop.remove_reader(self.socket)
            self._pause = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self.socket, self._readable)

    def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            if self._pause is not None:
                return
            try:
                data, sender = self._receive(self.socket)
            except OSError:
                return
            try:
                self._heard(data, sender)
            except Exception:
                _log.exception("%s could not be handled", self._name)
