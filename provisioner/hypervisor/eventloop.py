"""libvirt's event loop in one daemon thread of our own.

The registration is per process and must come before the first connection. An asyncio loop may end and
another begin (each test has its own), so none is tied to it: callbacks hop over by call_soon_threadsafe.
"""

import threading
import time
from typing import Any

import libvirt

_lock = threading.Lock()
_thread: threading.Thread | None = None


def start() -> None:
    """Starts the thread unless it runs; from then on libvirt writes nothing to stderr by itself."""
    global _thread
    with _lock:
        if _thread is None:
            libvirt.registerErrorHandler(_silent, None)
            libvirt.virEventRegisterDefaultImpl()
            _thread = threading.Thread(target=_turn, name="libvirt-events", daemon=True)
            _thread.start()


def _silent(_context: Any, _error: Any) -> None:
    """Every error reaches its caller as an exception as well."""


def _turn() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            time.sleep(0.1)  # nothing to wait for yet, or a poll that failed: never a busy loop
