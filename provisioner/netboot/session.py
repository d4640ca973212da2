"""A transfer bound to its client, and the timers of all of them."""

import heapq
import time
from collections.abc import Callable, Hashable, Iterator

from provisioner.netboot import wire
from provisioner.netboot.framing import Frames
from provisioner.netboot.transfer import Terms, Transfer
from provisioner.netboot.wire import Peer

_GRAIN = 0.01
"""Seconds that timers are bundled by."""


class Session(Transfer):
    """`key` is the client as the socket knows it, `due` when the timers look at it next.

    `newest` is where in memory the block lies that was sent last, where it is one at a time, and `stride` how
    far from there the next one is.
    """

    __slots__ = ("asked", "began", "due", "frames", "key", "newest", "peer", "stride")

    def __init__(
        self, key: Hashable, peer: Peer, asked: wire.Read, frames: Frames, terms: Terms, rollover: int
    ) -> None:
        super().__init__(len(frames.content), terms, rollover)
        self.key = key
        self.peer = peer
        self.asked = asked
        self.frames = frames
        self.began = time.monotonic()
        self.due = 0.0
        self.newest, self.stride = 0, frames.step

    @property
    def seconds(self) -> float:
        """Since the request."""
        return time.monotonic() - self.began


class Timers:
    """When each session has to be looked at. An ACK moves a deadline on without any work here."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Session]] = []
        self._count = 0

    @property
    def next(self) -> float | None:
        """When `expired` has something to do, a bundle later than it strictly is."""
        return self._heap[0][0] + _GRAIN / 2 if self._heap else None

    def watch(self, session: Session) -> bool:
        """Call it after whatever may have brought the session's deadline nearer; whether it did."""
        nearer = not session.due or session.deadline < session.due - _GRAIN
        if nearer:
            self._push(session)
        return nearer

    def expired(self, now: float, running: Callable[[Session], bool]) -> Iterator[Session]:
        """Those whose deadline has come. The caller moves it on before it asks for the next."""
        while self._heap and self._heap[0][0] <= now:
            due, _, session = heapq.heappop(self._heap)
            if due != session.due or not running(session):
                continue  # it was put in again nearer, or is over
            if session.deadline <= now:
                yield session
            if running(session):
                self._push(session)

    def _push(self, session: Session) -> None:
        session.due = session.deadline
        self._count += 1
        heapq.heappush(self._heap, (session.due, self._count, session))
