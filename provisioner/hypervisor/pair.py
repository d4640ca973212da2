"""Two connections to one host: one that takes the calls, and one whose pulse is felt.

When keepalive gives a connection up while several calls are under way, libvirt's client (9.0) ends one of
them; the others wait without an end, and crash the process once the host moves again. So keepalive watches a
connection that nobody calls through, and the calls of the other are given up by those who wait for them.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import libvirt

from provisioner.hypervisor import eventloop

KEEPALIVE = (2, 2)
"""Seconds between two signs of life, and how many may be missing."""
_PATIENCE = 900.0
_SETTLE = 0.5
"""A lost connection calls its close callback once, which then frees itself; taking it back fails by now."""

OnUp = Callable[[libvirt.virConnect], list[int]]
"""Registers event callbacks with a new connection, in a worker thread; returns their ids."""
OnClose = Callable[[libvirt.virConnect, int, object], None]
"""Called by libvirt in its event thread with the connection and the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The same connection twice for a driver that lives in this process (test:///): it has no pulse."""

    work: libvirt.virConnect
    pulse: libvirt.virConnect
    callbacks: tuple[int, ...]

    @property
    def alive(self) -> bool:
        return _alive(self.work) and _alive(self.pulse)


def dial(uri: str, on_up: OnUp, on_close: OnClose) -> Pair:
    """Connects, blocking, for as long as it takes. Raises libvirtError."""
    eventloop.start()
    pulse = libvirt.open(uri)
    work, beats = pulse, False
    with contextlib.suppress(libvirt.libvirtError):
        beats = pulse.setKeepAlive(*KEEPALIVE) == 0
        work = libvirt.open(uri) if beats else pulse
    try:
        if beats:  # a driver in this process cannot go away, and the binding would keep its connection
            pulse.registerCloseCallback(on_close, None)
        return Pair(work, pulse, tuple(on_up(pulse)))
    except BaseException:
        _hang_up(pulse, ())
        raise


def let_go(pair: Pair, done: Callable[[], None]) -> None:
    """Takes the callbacks back and closes both, in a thread of its own; then calls `done` there.

    Closing asks the daemon, which may be frozen, and happens wherever the last reference goes. So the thread
    waits until it holds the last ones itself.
    """
    lost = not pair.alive
    box = [pair.work] if pair.work is pair.pulse else [pair.work, pair.pulse]
    arguments = (pair.pulse, pair.callbacks)

    def bury(held: list[tuple[libvirt.virConnect, tuple[int, ...]]]) -> None:
        if lost:
            time.sleep(_SETTLE)
        _hang_up(*held.pop())
        wait, end = 0.01, time.monotonic() + _PATIENCE
        while box and time.monotonic() < end:
            if sys.getrefcount(box[-1]) <= 2:  # the list's, and this question's own
                box.pop()
            else:
                time.sleep(wait)
                wait = min(wait * 2, 1.0)
        done()

    threading.Thread(target=bury, args=([arguments],), name="libvirt-let-go", daemon=True).start()


def _hang_up(pulse: libvirt.virConnect, callbacks: tuple[int, ...]) -> None:
    for callback in callbacks:
        with contextlib.suppress(libvirt.libvirtError):
            pulse.domainEventDeregisterAny(callback)
    with contextlib.suppress(libvirt.libvirtError):
        pulse.unregisterCloseCallback()


def _alive(connection: libvirt.virConnect) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False
