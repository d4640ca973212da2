"""One TFTP transfer without a socket: what to send when, after RFC 1350, 2347, 2348, 2349 and 7440.

It counts blocks and never sees their bytes. Block 0 is the OACK, which ACK 0 answers like any other. Rules
that matter for survival:

- a duplicate ACK never causes DATA, only the timer does (else every packet doubles from then on);
- the timer follows the measured round trip, from 20 ms to 3 s, doubling while nothing comes;
- before the first ACK five resends are all a stranger gets, after it a silent client has 20 s and 8 tries;
- the last block's ACK may be lost with nobody left to send it again: after five resends it counts as sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

_RTO_LEAST: Final = 0.02
_RTO_MOST: Final = 3.0
_RTO_FIRST: Final = 0.2
_RTO_LAST_BLOCK: Final = 0.25
_TRIES_UNHEARD: Final = 5
_TRIES: Final = 8
_PATIENCE: Final = 20.0
_HASTY_TRIES: Final = 2
_LAST_TRIES: Final = 5
_LAST_PATIENCE: Final = 9.0
_LOSSES: Final = 4
_SAMPLED_BLOCKS, _SAMPLED_WINDOWS = 32, 16
"""One ACK in so many is measured."""

ACKED: Final = 4 << 16
"""The first four bytes of a packet, as one number, that acknowledges block 0."""
NO_FAST_WAY: Final = -1
"""What no packet begins with."""
NOTHING: Final = range(0)

Outcome = Literal["running", "sent", "unconfirmed", "silent", "probe", "aborted"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What is granted of what clients ask for.

    `blksize` is the largest block that still fits one frame, `window` the most blocks that are sent at once.
    With `timeout` a client's own timer (RFC 2349) is used in place of the measured one. `rollover` is what
    follows block 65535: 0, or 1 for the clients that want that.
    """

    blksize: int = 1468
    window: int = 64
    timeout: bool = False
    rollover: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. `granted` goes back in the OACK; empty where DATA follows the request at once."""

    blksize: int = 512
    window: int = 1
    timeout: int | None = None
    granted: Mapping[str, int] | None = None


def agree(options: Mapping[str, str], size: int, policy: Policy) -> Terms:
    """Takes the options that we know with values in range; the others stay unanswered, as RFC 2347 says."""
    granted: dict[str, int] = {}
    asked = {name: int(value) for name, value in options.items() if value.isascii() and value.isdigit()}
    if 8 <= asked.get("blksize", 0) <= 65464:
        granted["blksize"] = min(asked["blksize"], policy.blksize)
    if "tsize" in asked:
        granted["tsize"] = size
    if policy.timeout and 1 <= asked.get("timeout", 0) <= 255:
        granted["timeout"] = asked["timeout"]
    if 1 <= asked.get("windowsize", 0) <= 65535:
        granted["windowsize"] = min(asked["windowsize"], policy.window)
    return Terms(
        granted.get("blksize", 512), granted.get("windowsize", 1), granted.get("timeout"), granted or None
    )


def on_wire(block: int, rollover: int) -> int:
    """The 16-bit number of block 1 and those after it."""
    return block & 0xFFFF if rollover == 0 else (block - 1) % 0xFFFF + 1


class Transfer:
    """Feed it `start`, `acknowledged`, `failed` and, at `deadline`, `expired`; send the blocks they return.

    `fast` is what a packet begins with, `ACKED` and the block's number, that is answered by the next whole
    window and by nothing else, not by the last one: whoever hears it may send that many blocks and call
    `step`. That goes on up to the block `straight`.
    """

    __slots__ = (
        "_clean",
        "_copies",
        "_heard_at",
        "_rolled",
        "_rollover",
        "_rto",
        "_srtt",
        "_timeouts",
        "_tries",
        "_wait",
        "base",
        "fast",
        "gaps",
        "heard",
        "last",
        "outcome",
        "retransmissions",
        "said",
        "sampled",
        "sent",
        "since",
        "size",
        "straight",
        "terms",
        "window",
    )

    def __init__(self, size: int, terms: Terms, rollover: int = 0) -> None:
        self.size = size
        self.terms = terms
        self.window = terms.window
        self.sampled = max(_SAMPLED_BLOCKS, _SAMPLED_WINDOWS * terms.window)
        """Blocks from one that is measured to the next."""
        self.outcome: Outcome = "running"
        self.said = ""
        self.heard = False
        self.retransmissions = 0
        self.gaps = 0
        self._timeouts = 0
        self._copies = 0
        self.last = size // terms.blksize + 1
        self.base = 0 if terms.granted is None else -1
        """The last block that was acknowledged, counted beyond 16 bits."""
        self.sent = self.base
        self.since = 0.0
        """When the newest block was sent."""
        self.fast = NO_FAST_WAY
        self._rollover = rollover
        self.straight = self._rolled = 0
        """The first block whose ACK does not go the fast way, and what its number on the wire leaves out."""
        self._rto = self._wait = _RTO_FIRST
        self._srtt = 0.0
        self._clean = True
        self._tries = 0
        self._heard_at = 0.0

    @property
    def deadline(self) -> float:
        return self.since + self._wait

    @property
    def round_trip(self) -> float:
        """Seconds, smoothed; 0.0 until it was measured."""
        return self._srtt

    @property
    def losses(self) -> int:
        """How often something was lost on the way. What was acknowledged twice came late, and was not."""
        return max(0, self.gaps + self._timeouts - self._copies)

    @property
    def lossy(self) -> bool:
        """Whether that is more than a sound wire loses: two in a hundred blocks, or more."""
        return self.losses >= max(_LOSSES, 0.02 * self.base)

    @property
    def delivered(self) -> int:
        """Bytes that the client has, as far as its acknowledgements tell."""
        whole = self.outcome in ("sent", "unconfirmed")
        return self.size if whole else max(0, self.base) * self.terms.blksize

    def start(self, now: float) -> range:
        self._heard_at = now
        return self._send(now)

    def step(self, now: float) -> None:
        """Goes on by one window, after ACK `fast`."""
        self.base = sent = self.sent
        self.sent = sent = sent + self.window
        self.since = now
        self.fast = sent - self._rolled + ACKED if sent < self.straight else NO_FAST_WAY

    def acknowledged(self, number: int, now: float) -> range:
        """ACK of a 16-bit block number. Inside a window it says from where to go on."""
        if self.outcome != "running" or (self.base < 0 and number):
            return NOTHING
        before = on_wire(self.base, self._rollover) if self.base > 0 else self.base
        step = (number - before) % (0x10000 - self._rollover)
        if not step and self._lacks_its_first(now):
            self.gaps += 1
            return self._send(now)
        if not 1 <= step <= self.sent - self.base:
            self._copies += not step
            return NOTHING
        self.base += step
        self.gaps += self.base < self.sent
        self._measure(now)
        if self.base == self.last:
            self.outcome = "sent"
            return NOTHING
        return self._send(now)

    def failed(self, code: int, text: str) -> None:
        """The client's ERROR. Before any block was acknowledged it ends a question for the size."""
        if self.outcome == "running":
            self.outcome = "aborted" if self.base > 0 or self.terms.granted is None else "probe"
            self.said = f"error {code} {text}".rstrip()

    def left(self) -> None:
        """The client asks for something else from the same port."""
        if self.outcome == "running" and self.base > 0:
            self.outcome, self.said = "aborted", "it asked anew from the same port"

    def expired(self, now: float) -> range:
        """At `deadline`: sends the window again, or gives up."""
        if self.outcome != "running" or now < self.deadline:
            return NOTHING
        if not self._tries:
            self._heard_at = self.since
        silence = now - self._heard_at
        if self._final and (self._tries >= _LAST_TRIES or silence >= _LAST_PATIENCE):
            self.outcome = "unconfirmed"
        elif self._tries >= (_TRIES if self.heard else _TRIES_UNHEARD) and (
            silence >= _PATIENCE or not self.heard
        ):
            self.outcome = "silent"
        if self.outcome != "running":
            return NOTHING
        self._tries += 1
        self._timeouts += 1
        self._rto = min(_RTO_MOST, self._rto * 2)
        if self._final and self._tries > _HASTY_TRIES:
            self._rto = max(_RTO_LAST_BLOCK, self._rto)  # the client's own timer gets its chance
        return self._send(now)

    @property
    def _final(self) -> bool:
        """Whether the last block is out and what is missing may be its ACK alone."""
        return self.heard and self.sent == self.last and (self.base > 0 or self.last == 1)

    def _lacks_its_first(self, now: float) -> bool:
        """Whether an ACK once more, a round trip after a window was sent, means that its first block is lost.

        A copy that the network made of the last ACK comes sooner. It is believed once for a window.
        """
        return (
            self.window > 1 and self._clean and self.base >= 0 and now - self.since >= 0.75 * self._srtt > 0
        )

    def _send(self, now: float) -> range:
        until = min(self.base + self.window, self.last) if self.base >= 0 else 0
        again = self.sent - self.base
        self.retransmissions += again
        self._clean = not again  # else the next ACK may answer either copy (Karn)
        self.sent, self.since = until, now
        self._wait = self.terms.timeout or self._rto
        self.fast = self._next() if self._clean else NO_FAST_WAY
        return range(self.base + 1, until + 1)

    def _next(self) -> int:
        """What `fast` is after a window that was sent for the first time, and up to where that goes on."""
        sent, sampled = self.sent, self.sampled
        if not self.heard or self.base < 0 or sent % sampled < self.window:
            return NO_FAST_WAY
        self._rolled = sent - on_wire(sent, self._rollover)
        sample = sent - sent % sampled + sampled
        self.straight = min(sample, self.last - self.window, self._rolled + 0x10000)
        return sent - self._rolled + ACKED if sent < self.straight else NO_FAST_WAY

    def _measure(self, now: float) -> None:
        self.heard = True
        self._tries = 0
        self._heard_at = now
        if self._clean:
            sample = now - self.since
            self._srtt = self._srtt + (sample - self._srtt) / 8 if self._srtt else sample
            # Only a clean sample shortens the timer again: else a slow path is never measured at all.
            self._rto = min(_RTO_MOST, max(_RTO_LEAST, 3 * self._srtt))
