"""One attempt at a time to connect to a host, in threads of its own.

libvirt's client waits for a frozen daemon without an end. Such an attempt is given up by its callers but
waited for by the next ones, so that a host that is frozen for a day does not cost a thread every few seconds;
and because the machine behind it may have been switched off for good, after a while a new one is made.
"""

import asyncio
from collections.abc import Callable

import libvirt

from provisioner.core.errors import Unavailable
from provisioner.hypervisor.errors import translate
from provisioner.hypervisor.pair import Pair
from provisioner.hypervisor.threads import Threads

_ANSWER_SECONDS = 8
_STUCK_SECONDS = 60
_MOST = 4
"""Threads: the attempt under way, and those that nobody waits for any more."""


class Dial:
    """`dial()` connects, blocking; `discard(pair)` lets go of one that nobody wants any more."""

    def __init__(
        self,
        uri: str,
        dial: Callable[[], Pair],
        discard: Callable[[Pair], object],
    ) -> None:
        self.uri = uri
        self._make = dial
        self._let_go = discard
        self._threads = Threads(_MOST, "libvirt-dial")
        self._attempt: asyncio.Future[Pair] | None = None
        self._began = 0.0
        self._left = 0
        self._closed = False

    async def pair(self) -> Pair:
        """A new pair within eight seconds. Raises Unavailable, or what libvirt says translated."""
        now = asyncio.get_running_loop().time
        if self._attempt is None:
            self._attempt, self._began = self._threads.submit(self._make), now()
        attempt = self._attempt
        done, _ = await asyncio.wait({attempt}, timeout=_ANSWER_SECONDS)
        if not done:
            if now() - self._began > _STUCK_SECONDS and self._left < _MOST - 1:
                self._abandon()
            raise Unavailable(f"libvirt at {self.uri} gave no answer within {_ANSWER_SECONDS} seconds")
        self._attempt = None
        try:
            return attempt.result()
        except libvirt.libvirtError as error:
            raise translate(error, self.uri) from error

    def close(self) -> None:
        """What is still being made is let go of as soon as it is there."""
        self._closed = True
        self._abandon()
        if not self._left:
            self._threads.close()

    def _abandon(self) -> None:
        if self._attempt is not None:
            self._left += 1
            self._attempt.add_done_callback(self._discard)
            self._attempt = None

    def _discard(self, attempt: "asyncio.Future[Pair]") -> None:
        self._left -= 1
        if not attempt.cancelled() and attempt.exception() is None:
            self._let_go(attempt.result())
        if self._closed and not self._left:
            self._threads.close()
