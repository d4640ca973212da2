"""One TFTP transfer on a socket of its own.

A transfer's own port is its identifier (RFC 1350): a packet from elsewhere is answered ERROR 5 and changes
nothing. Every datagram is handled inside a guard, so that none can end the loop.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

from provisioner.netboot import wire
from provisioner.netboot.transfer import Transfer

Peer = tuple[str, int]

AT_ONCE = 32
"""Datagrams read in one go, before others have their turn."""
DATAGRAM = 2048

_log = logging.getLogger(__name__)


class Session:
    """One transfer and its socket. `ended` is called once, when the transfer is over."""

    def __init__(
        self,
        address: str,
        peer: Peer,
        asked: wire.Read,
        transfer: Transfer,
        ended: Callable[["Session"], None],
    ) -> None:
        self.peer = peer
        self.asked = asked
        self.transfer = transfer
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._socket = bound(address, 0)
        self._loop.add_reader(self._socket, self._readable)
        self._emit(transfer.start(self._began))

    @property
    def seconds(self) -> float:
        return self._loop.time() - self._began

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(AT_ONCE):
            try:
                data, peer = self._socket.recvfrom(DATAGRAM)
            except OSError:
                return
            try:
                self._received(data, peer)
            except Exception:
                _log.exception("a TFTP packet from %s could not be handled", peer[0])
            if self.transfer.outcome != "running":
                return

    def _received(self, data: bytes, peer: Peer) -> None:
        if peer != self.peer:
            if not isinstance(wire.reply(data), wire.Failure):
                send(self._socket, wire.error(wire.UNKNOWN_TID, "unknown transfer"), peer)
            return
        match wire.reply(data):
            case wire.Ack(block):
                self._emit(self.transfer.acknowledged(block, self._loop.time()))
            case wire.Failure(code, text):
                self.transfer.failed(code, text)
                self._emit([])
            case None:
                pass

    def _expired(self) -> None:
        self._timer = None
        self._emit(self.transfer.expired(self._loop.time()))

    def _emit(self, packets: list[bytes]) -> None:
        for packet in packets:
            send(self._socket, packet, self.peer)
        if self.transfer.outcome != "running":
            self._ended(self)
        elif self._timer is None or self._timer.when() > self.transfer.deadline:
            # An ACK moves the deadline on; the standing timer finds that out when it fires.
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self.transfer.deadline, self._expired)


def bound(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def send(sock: socket.socket, packet: bytes, peer: Peer) -> None:
    """A packet that cannot leave now is a packet lost: the timer sends it again."""
    try:
        sock.sendto(packet, peer)
    except OSError as error:
        _log.debug("TFTP packet to %s not sent: %s", peer[0], error)
