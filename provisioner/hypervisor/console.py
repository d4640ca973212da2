"""A guest's serial console over libvirt's stream, so that it works for a remote host as for this one.

libvirt's event thread reads; what it read hops over to the asyncio loop. Writing and hanging up have a thread
of their own, for a frozen daemon may keep it waiting.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import libvirt

from provisioner.core.errors import Conflict, Unavailable
from provisioner.hypervisor import guest
from provisioner.hypervisor.apart import own
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.pair import KEEPALIVE
from provisioner.hypervisor.threads import Threads
from provisioner.hypervisor.xml import Element, parse

_CHUNK = 64 * 1024
_BACKLOG = 1024 * 1024
_PATIENCE = 10.0
_TYPED = ("pty", "unix")
"""Kinds of character devices that libvirt can open as a console."""
_FULL = -2
_FIRST: Any = None
"""libvirt's word for the first console that there is."""
_EVENTS = libvirt.VIR_STREAM_EVENT_READABLE | libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP


class Console:
    """A `service.ports.Channel`. Whoever reads too slowly loses the oldest of what he has not read."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = Threads(1, "libvirt-console")
        self._line = contextlib.ExitStack()
        self._stream: libvirt.virStream | None = None
        self._unread = bytearray()
        self._news = asyncio.Event()
        self._ended = False
        self._hung_up: asyncio.Future[None] | None = None

    def attach(self, connection: libvirt.virConnect, name: str, uuid: str, force: bool) -> None:
        """Opens it, in a thread. Close it whether or not that went well."""
        fresh = self._line.enter_context(own(connection))
        fresh.setKeepAlive(*KEEPALIVE)
        fresh.registerCloseCallback(self._broke, None)  # a stream is not told of it
        self._line.callback(_listen_no_more, fresh)
        self._stream = stream = open_stream(fresh, name, uuid, force=force)
        stream.eventAddCallback(_EVENTS, self._heard, None)

    async def read(self) -> bytes:
        while not self._unread and not self._ended:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._unread)
        self._unread.clear()
        return data

    async def write(self, data: bytes) -> None:
        if self._ended:
            raise Conflict("the console is closed")
        sent = self._thread.submit(partial(self._send, data))
        if not (await asyncio.wait({sent}, timeout=2 * _PATIENCE))[0]:
            raise Unavailable("libvirt takes no input for the guest's console")
        sent.result()

    async def close(self) -> None:
        self._end()
        if self._hung_up is None:
            self._hung_up = self._thread.submit(self._hang_up)
            self._thread.close()
        await asyncio.wait({self._hung_up}, timeout=_PATIENCE)

    def _heard(self, stream: libvirt.virStream, events: int, _opaque: object) -> None:
        """In libvirt's event thread."""
        over = bool(events & (libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP))
        try:
            while events & libvirt.VIR_STREAM_EVENT_READABLE:
                data: Any = stream.recv(_CHUNK)  # bytes, or a number where nothing is there yet
                if data == _FULL:
                    break
                if not data:
                    over = True
                    break
                self._hop(self._take, data)
        except libvirt.libvirtError:
            over = True
        if over:
            with contextlib.suppress(libvirt.libvirtError):
                stream.eventRemoveCallback()
            self._hop(self._end)

    def _send(self, data: bytes) -> None:
        end = time.monotonic() + _PATIENCE
        while data and self._stream is not None and not self._ended:
            try:
                sent = self._stream.send(data[:_CHUNK])
            except libvirt.libvirtError as error:
                raise Conflict("the console is closed") from error
            if sent != _FULL:
                data = data[sent:]
            elif time.monotonic() > end:
                raise Unavailable("the guest takes no input from its console")
            else:
                time.sleep(0.02)

    def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        with self._line, contextlib.suppress(libvirt.libvirtError):
            if stream is not None:
                with contextlib.suppress(libvirt.libvirtError):  # it ended, and was taken back then
                    stream.eventRemoveCallback()
                stream.abort()

    def _broke(self, _connection: libvirt.virConnect, _reason: int, _opaque: object) -> None:
        """In libvirt's event thread."""
        self._hop(self._end)

    def _hop(self, call: Callable[..., None], *given: object) -> None:
        with contextlib.suppress(RuntimeError):  # the asyncio loop ended before us
            self._loop.call_soon_threadsafe(call, *given)

    def _take(self, data: bytes) -> None:
        self._unread += data
        del self._unread[:-_BACKLOG]
        self._news.set()

    def _end(self) -> None:
        self._ended = True
        self._news.set()


def _listen_no_more(connection: libvirt.virConnect) -> None:
    with contextlib.suppress(libvirt.libvirtError):  # it broke, and told so
        connection.unregisterCloseCallback()


def open_stream(connection: libvirt.virConnect, name: str, uuid: str, *, force: bool) -> libvirt.virStream:
    """A stream of the first serial console. Raises Conflict that says what is in its way."""
    domain = guest.running(connection, name, uuid)
    if not any(kind in _TYPED for kind in _kinds(parse(domain.XMLDesc()))):
        raise Conflict(f"guest {name} has no serial console that can be typed into")
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    how = libvirt.VIR_DOMAIN_CONSOLE_SAFE | (libvirt.VIR_DOMAIN_CONSOLE_FORCE if force else 0)
    try:
        domain.openConsole(_FIRST, stream, how)
    except libvirt.libvirtError as error:
        if is_code(error, "OPERATION_FAILED") and not force:
            raise Conflict(
                f"the console of guest {name} is open somewhere else",
                remedy=f"take it over: provisioner guest console {name} --force",
            ) from error
        raise
    return stream


def _kinds(root: Element) -> list[str]:
    return [item.get("type", "") for tag in ("console", "serial") for item in root.iterfind(f"devices/{tag}")]
