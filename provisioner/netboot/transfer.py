"""One TFTP transfer as a state machine without sockets or clock: acknowledgements in, packets out.

RFC 1350 with options 2347 to 2349 and windows (7440). What decides about its survival:

- a duplicate ACK never causes DATA, only the timer does (else every packet doubles from then on);
- the timer follows the measured round trip, from 20 ms to 3 s, doubling while nothing comes;
- before the first ACK five resends are all a stranger gets, after it a silent client has 20 s and 8 tries;
- the last block's ACK may be lost with nobody left to send it again: after five resends it counts as sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from provisioner.netboot import wire

_RTO_LEAST: Final = 0.02
_RTO_MOST: Final = 3.0
_RTO_FIRST: Final = 0.2
_RTO_LAST_BLOCK: Final = 0.25
_TRIES_UNHEARD: Final = 5
_TRIES: Final = 8
_PATIENCE: Final = 20.0
_LAST_TRIES: Final = 5
_LAST_PATIENCE: Final = 9.0
_WINDOW_MOST: Final = 64

Outcome = Literal["running", "sent", "unconfirmed", "silent", "probe", "aborted"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. `granted` goes back in the OACK; empty where DATA follows the request at once."""

    blksize: int = 512
    window: int = 1
    timeout: int | None = None
    granted: Mapping[str, int] | None = None


def agree(options: Mapping[str, str], size: int, largest: int) -> Terms:
    """Takes the options that we know with values in range; the others stay unanswered, as RFC 2347 says.

    `largest` is the block size that still fits one frame of the interface.
    """
    granted: dict[str, int] = {}
    asked = {name: int(value) for name, value in options.items() if value.isascii() and value.isdigit()}
    if 8 <= asked.get("blksize", 0) <= 65464:
        granted["blksize"] = min(asked["blksize"], largest)
    if "tsize" in asked:
        granted["tsize"] = size
    if 1 <= asked.get("timeout", 0) <= 255:
        granted["timeout"] = asked["timeout"]
    if 1 <= asked.get("windowsize", 0) <= 65535:
        granted["windowsize"] = min(asked["windowsize"], _WINDOW_MOST)
    return Terms(
        granted.get("blksize", 512), granted.get("windowsize", 1), granted.get("timeout"), granted or None
    )


class Transfer:
    """Feed it `start`, `acknowledged`, `failed` and, at `deadline`, `expired`; send what they return."""

    def __init__(self, content: bytes, terms: Terms) -> None:
        self.terms = terms
        self.outcome: Outcome = "running"
        self.said = ""
        self.heard = False
        self.retransmissions = 0
        self.packets = 0
        self.deadline = 0.0
        self._content = content
        self._last = len(content) // terms.blksize + 1
        self._base = 0  # blocks acknowledged, counted beyond 16 bits
        self._sent = 0
        self._opening = terms.granted is not None
        self._rto = _RTO_FIRST
        self._srtt: float | None = None
        self._sampled_from: float | None = None
        self._tries = 0
        self._quiet_since = 0.0

    def start(self, now: float) -> list[bytes]:
        self._quiet_since = now
        return self._send(now)

    def acknowledged(self, block: int, now: float) -> list[bytes]:
        """ACK of a 16-bit block number. Inside a window it says from where to go on."""
        if self.outcome != "running":
            return []
        if self._opening:
            if block != 0:
                return []
            self._opening = False
        else:
            step = (block - self._base) & 0xFFFF
            if not 1 <= step <= self._sent - self._base:
                return []
            self._base += step
        self._measure(now)
        if self._base == self._last:
            self.outcome = "sent"
            return []
        return self._send(now)

    def failed(self, code: int, text: str) -> None:
        """The client's ERROR. Before any block was acknowledged it ends a question for the size."""
        if self.outcome == "running":
            self.outcome = "aborted" if self._base or self.terms.granted is None else "probe"
            self.said = f"error {code} {text}".rstrip()

    def expired(self, now: float) -> list[bytes]:
        """At `deadline`: sends the window again, or gives up."""
        if self.outcome != "running" or now < self.deadline:
            return []
        silence = now - self._quiet_since
        if self._final and (self._tries >= _LAST_TRIES or silence >= _LAST_PATIENCE):
            self.outcome = "unconfirmed"
        elif self._tries >= (_TRIES if self.heard else _TRIES_UNHEARD) and (
            silence >= _PATIENCE or not self.heard
        ):
            self.outcome = "silent"
        if self.outcome != "running":
            return []
        self._tries += 1
        self._rto = min(_RTO_MOST, self._rto * 2)
        self._sampled_from = None  # an ACK from now on may answer either copy (Karn)
        return self._send(now, again=True)

    @property
    def delivered(self) -> int:
        """Bytes that the client has, as far as its acknowledgements tell."""
        whole = self.outcome in ("sent", "unconfirmed")
        return len(self._content) if whole else self._base * self.terms.blksize

    @property
    def _final(self) -> bool:
        """Whether the last block is out and what is missing may be its ACK alone."""
        return self.heard and not self._opening and self._sent == self._last

    def _send(self, now: float, *, again: bool = False) -> list[bytes]:
        if self._opening:
            packets = [wire.oack(self.terms.granted or {})]
            self.retransmissions += again
        else:
            until = min(self._base + self.terms.window, self._last)
            resent = max(0, self._sent - self._base)
            self.retransmissions += resent
            packets = [self._block(number) for number in range(self._base + 1, until + 1)]
            self._sent = until
            again = again or resent > 0
        if not again:
            self._sampled_from = now
        self.packets += len(packets)
        floor = _RTO_LAST_BLOCK if self._final else _RTO_LEAST
        self.deadline = now + (self.terms.timeout or max(floor, self._rto))
        return packets

    def _block(self, number: int) -> bytes:
        start = (number - 1) * self.terms.blksize
        return wire.data(number & 0xFFFF, self._content[start : start + self.terms.blksize])

    def _measure(self, now: float) -> None:
        self.heard = True
        self._tries = 0
        self._quiet_since = now
        if self._sampled_from is not None:
            sample = now - self._sampled_from
            self._srtt = sample if self._srtt is None else self._srtt + (sample - self._srtt) / 8
            # Only a clean sample shortens the timer again: else a slow path is never measured at all.
            self._rto = min(_RTO_MOST, max(_RTO_LEAST, 3 * self._srtt))
        self._sampled_from = None
