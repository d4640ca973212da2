"""The data plane: all TFTP transfers of one address, on one socket.

A client is told from another by its address and port; ours is the same for all (its port is the transfer
identifier of RFC 1350 on our side). What nearly every packet is, the ACK of all that a client was sent, is
answered in one short loop; everything else goes through `Transfer.acknowledged`.
"""

import asyncio
import logging
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from provisioner.netboot import wire
from provisioner.netboot.datagrams import (
    AT_ONCE,
    DATAGRAM,
    Datagrams,
    Received,
    beginning,
    bound,
    roomy,
    send,
)
from provisioner.netboot.framing import Frames
from provisioner.netboot.mmsg import best
from provisioner.netboot.selector import HotLoop
from provisioner.netboot.session import Session, Timers
from provisioner.netboot.transfer import Terms

_MORE = 8
"""After a batch of so many there may be more by now."""
_ROUNDS = 2
"""Batches that are handled before DHCP and others have their turn."""
_REMEMBERED = 4096
_WAY = 0.005
"""Seconds that each turn of the transfers waits while the writer is behind."""
_log = logging.getLogger(__name__)
Behind = Callable[[], bool]
"""Whether what transfers tell, and others, is not written down as fast as it comes."""


class Plane:
    """`ended` is called once for each transfer that is over. While the writer is `behind`, they make way."""

    def __init__(
        self,
        address: str,
        ended: Callable[[Session], None],
        rollover: int = 0,
        datagrams: Callable[[socket.socket], Datagrams] = best,
        behind: Behind = lambda: False,
    ) -> None:
        self._behind = behind
        self._way: asyncio.TimerHandle | None = None
        self._rested = False
        self.sessions: dict[Hashable, Session] = {}
        self._ended = ended
        self._rollover = rollover
        self._loop = asyncio.get_running_loop()
        self._timers = Timers()
        self._timer: asyncio.TimerHandle | None = None
        self._lone: Session | None = None
        """The only one that said anything the last time."""
        self._over: OrderedDict[Hashable, None] = OrderedDict()
        """Peers whose late packets are no stranger's: a client may use its port again for the next file."""
        self._socket = roomy(bound(address, 0))
        self._datagrams = datagrams(self._socket)
        self._listen()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._way is not None:
            self._way.cancel()
        else:
            self._look_away()
        self._socket.close()
        self.sessions.clear()

    def _listen(self) -> None:
        self._way = None
        if isinstance(self._loop, HotLoop):
            self._loop.selector.serve(self._socket.fileno(), self._readable)
        else:
            self._loop.add_reader(self._socket, self._readable)

    def _look_away(self) -> None:
        if isinstance(self._loop, HotLoop):
            self._loop.selector.forget(self._socket.fileno())
        else:
            self._loop.remove_reader(self._socket)

    def of(self, peer: wire.Peer) -> Session | None:
        """The transfer that a peer has, after what it said until now: it may have ended it just before."""
        key = self._datagrams.key(peer)
        for _ in range(AT_ONCE):  # others may go on talking for as long as they are answered
            if key not in self.sessions or not (received := self._datagrams.receive()):
                break
            self._hear(received)
        return self.sessions.get(key)

    def begin(self, peer: wire.Peer, asked: wire.Read, frames: Frames, terms: Terms) -> Session:
        """A transfer to a peer that has none."""
        key = self._datagrams.key(peer)
        session = Session(key, peer, asked, frames, terms, self._rollover)
        self.sessions[key] = session
        self._put(session, session.start(session.began))
        self._datagrams.flush()
        if self._timers.watch(session):
            self._arm()
        return session

    def drop(self, session: Session) -> None:
        """Ends one without a word."""
        if session is self._lone:
            self._lone = None
        if self.sessions.pop(session.key, None) is not None:
            self._over[session.key] = None
            if len(self._over) > _REMEMBERED:
                self._over.popitem(last=False)

    def _readable(self) -> bool:
        """Whether transfers went on as they were, and neither one nor a timer is new or over."""
        if self._lone is not None:
            return self._hear_one(self._lone)
        if self._behind() and not self._rested:
            self._look_away()
            self._way = self._loop.call_later(_WAY, self._listen)
            self._rested = True
            return False
        self._rested = False
        quiet = True
        for turn in range(_ROUNDS):
            received = self._datagrams.receive()
            quiet = self._hear(received) and quiet
            if len(received) < _MORE:
                if not turn and len(received) == 1:
                    self._lone = self.sessions.get(received[0][0])
                break
        return quiet

    def _hear_one(self, lone: Session) -> bool:
        """The same where nobody else said anything the last time: what is dear for one is left out."""
        try:
            data, peer = self._socket.recvfrom(DATAGRAM)
        except OSError:
            self._lone = None
            return True
        mine = peer == lone.peer
        if mine and lone.window == 1 and beginning(data) == lone.fast:
            lone.step(time.monotonic())
            lone.newest += lone.stride
            frames = lone.frames
            offset = lone.base * frames.step
            send(self._socket, frames.view[offset : offset + frames.step], peer)
            return True
        quiet = self._hear(self._datagrams.taken(data, peer))
        self._lone = lone if mine and lone.outcome == "running" else None
        return quiet

    def _hear(self, received: Received) -> bool:
        try:
            return self._answer_each(received, time.monotonic())
        except Exception:
            _log.exception("TFTP packets could not be handled")
            return False
        finally:
            self._datagrams.flush()

    def _answer_each(self, received: Received, now: float) -> bool:
        quiet = True
        for packet in self._datagrams.answer(received, self.sessions.get, now):
            session = self.sessions.get(packet[0])
            if session is None:
                self._stranger(packet[0], packet[1] >> 16)
            else:
                quiet = self._answer(session, packet[1], received.index(packet), now) and quiet
        return quiet

    def _answer(self, session: Session, word: int, index: int, now: float) -> bool:
        opcode, number = word >> 16, word & 0xFFFF
        if opcode == wire.ACK:
            self._put(session, session.acknowledged(number, now))
            if self._timers.watch(session) and self._arm():
                self._settle(session)
                return False
        elif opcode == wire.ERROR:
            session.failed(number, wire.text(self._datagrams.text(index)))
        return self._settle(session)

    def _stranger(self, key: Hashable, opcode: int) -> None:
        """A packet of no transfer is answered ERROR 5, but an error never with an error."""
        if opcode and opcode != wire.ERROR and key not in self._over:
            self._datagrams.send(wire.error(wire.UNKNOWN_TID, "unknown transfer"), key)

    def _put(self, session: Session, blocks: range) -> None:
        if not blocks:
            return
        if blocks.start == 0:
            self._datagrams.send(wire.oack(session.terms.granted or {}), session.key)
            return
        # As far as it may get before the next ACK that does not go the fast way.
        session.frames.make(min(blocks.stop + session.sampled, session.last))
        session.newest = session.frames.address + (blocks.stop - 2) * session.stride
        self._datagrams.put_window(session.frames, blocks.start, blocks.stop, session.key)

    def _settle(self, session: Session) -> bool:
        """Whether it goes on."""
        if session.outcome == "running":
            return True
        self.drop(session)
        self._ended(session)
        return False

    def _expire(self) -> None:
        self._timer = None
        now = time.monotonic()
        for session in self._timers.expired(now, self._running):
            try:
                self._put(session, session.expired(now))
                self._settle(session)
            except Exception:
                _log.exception("a TFTP transfer to %s could not go on", session.peer[0])
                self.drop(session)
        self._datagrams.flush()
        self._arm()

    def _running(self, session: Session) -> bool:
        return self.sessions.get(session.key) is session

    def _arm(self) -> bool:
        """Sees to it that the timers are looked at in time; whether that is new. The loop has our clock."""
        due = self._timers.next
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._expire)
        return True
