"""One connection to libvirt that mends itself, and the bounded threads its blocking calls run in."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

import libvirt

from provisioner.core.errors import ProvisionerError, Unavailable
from provisioner.hypervisor import eventloop
from provisioner.hypervisor.errors import translate

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_KEEPALIVE = (2, 2)
_DIAL_SECONDS = 20
_STREAMS = 4
"""Transfers at a time; more wait for their turn."""
_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0


class Link:
    """Opens on first use.

    `on_up(connection, again)` is called in a worker thread for each new connection before anybody else
    has it; `again` says that an earlier one was lost. It returns the ids of the event callbacks that it
    registered: until they are taken back, libvirt keeps a closed connection open.
    """

    def __init__(
        self, uri: str, on_up: Callable[[libvirt.virConnect, bool], list[int]], *, threads: int = 8
    ) -> None:
        self.uri = uri
        self._on_up = on_up
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="libvirt")
        self._streams = ThreadPoolExecutor(_STREAMS, thread_name_prefix="libvirt-stream")
        self._connection: libvirt.virConnect | None = None
        self._callbacks: dict[libvirt.virConnect, list[int]] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        """The asyncio loop that opened it: callbacks of libvirt hop over to this one."""
        self._dialling: asyncio.Task[libvirt.virConnect] | None = None
        self._healer: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def up(self) -> bool:
        return self._connection is not None

    async def open(self, *, again: bool = False) -> libvirt.virConnect:
        """The open connection. Raises Unavailable or Invalid where there is none to be had."""
        if self._connection is not None:
            return self._connection
        if self._closed:
            raise Unavailable(f"the connection to libvirt at {self.uri} was closed")
        if self._healer is not None and not again:
            raise Unavailable(
                f"libvirt at {self.uri} went away; trying to reach it again",
                remedy="start it: systemctl start libvirtd, or: virtlogd -d; libvirtd -d",
            )
        if self._dialling is None:
            self.loop = asyncio.get_running_loop()
            self._dialling = self.loop.create_task(self._connect(again))
            self._dialling.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._dialling)

    async def close(self) -> None:
        """Ends it for good. Calls that are still under way fail by themselves."""
        self._closed = True
        for task in (self._healer, self._dialling):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(ProvisionerError):
                await self._thread(partial(self._hang_up, connection), seconds=5)
        for threads in (self._threads, self._streams):
            threads.shutdown(wait=False, cancel_futures=True)

    async def run(
        self,
        function: Callable[Concatenate[libvirt.virConnect, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`function(connection, …)` in a thread, for questions: 15 seconds at most."""
        connection = await self.open()
        return await self._ask(connection, partial(function, connection, *args, **kwargs), seconds=15)

    async def act(
        self,
        function: Callable[Concatenate[libvirt.virConnect, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same for what changes something: 120 seconds, and a cancelled caller waits for its end.

        Otherwise the undoing that follows a Ctrl-C would race with the very step it undoes.
        """
        connection = await self.open()
        call = partial(function, connection, *args, **kwargs)
        work = asyncio.ensure_future(self._ask(connection, call, seconds=120))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
            raise

    async def stream(
        self,
        function: Callable[Concatenate[libvirt.virConnect, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same for what takes as long as its data: no deadline, and threads of its own.

        A cancelled caller waits for its end too; whoever feeds the function ends it.
        """
        connection = await self.open()
        call = partial(function, connection, *args, **kwargs)
        work = asyncio.get_running_loop().run_in_executor(self._streams, call)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
            raise
        except libvirt.libvirtError as error:
            if not _alive(connection):
                self._lost(connection)
            raise translate(error, self.uri) from error

    async def _connect(self, again: bool) -> libvirt.virConnect:
        """One attempt for all who ask at the same time. One that is given up leaves no connection behind."""
        dial = asyncio.get_running_loop().run_in_executor(self._threads, self._dial, again)
        try:
            connection = await self._within(_DIAL_SECONDS, asyncio.shield(dial))
        except BaseException:
            dial.add_done_callback(self._discard)
            raise
        finally:
            self._dialling = None
        self._connection = connection
        if not _alive(connection):  # lost before anybody could be told
            self._lost(connection)
        return connection

    def _discard(self, dial: "asyncio.Future[libvirt.virConnect]") -> None:
        if not dial.cancelled() and dial.exception() is None:
            with contextlib.suppress(RuntimeError):  # the threads were shut down: the process is ending
                self._threads.submit(self._hang_up, dial.result())

    async def _ask(self, connection: libvirt.virConnect, call: Callable[[], T], *, seconds: float) -> T:
        try:
            return await self._thread(call, seconds=seconds)
        except Unavailable:
            if not _alive(connection):
                self._lost(connection)
            raise

    async def _thread(self, call: Callable[[], T], *, seconds: float) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        return await self._within(seconds, future)

    async def _within(self, seconds: float, future: "asyncio.Future[T]") -> T:
        try:
            async with asyncio.timeout(seconds):
                return await future
        except libvirt.libvirtError as error:
            raise translate(error, self.uri) from error
        except TimeoutError:
            raise Unavailable(f"libvirt at {self.uri} gave no answer within {seconds:g} seconds") from None

    def _dial(self, again: bool) -> libvirt.virConnect:
        eventloop.start()
        connection = libvirt.open(self.uri)
        # Drivers that live in this process (test:///) know neither; there is nothing to lose there.
        with contextlib.suppress(libvirt.libvirtError):
            connection.setKeepAlive(*_KEEPALIVE)
        with contextlib.suppress(libvirt.libvirtError):
            connection.registerCloseCallback(self._heard_close, None)
        try:
            self._callbacks[connection] = self._on_up(connection, again)
        except BaseException:
            self._hang_up(connection)
            raise
        return connection

    def _hang_up(self, connection: libvirt.virConnect) -> None:
        """Lets go of a connection. It closes with its last reference: a call under way still holds one."""
        for callback in self._callbacks.pop(connection, []):
            with contextlib.suppress(libvirt.libvirtError):
                connection.domainEventDeregisterAny(callback)
        with contextlib.suppress(libvirt.libvirtError):
            connection.unregisterCloseCallback()

    def _heard_close(self, connection: libvirt.virConnect, _reason: int, _opaque: object) -> None:
        """libvirt calls this in its event thread."""
        with contextlib.suppress(RuntimeError):  # the asyncio loop ended before us
            if self.loop is not None:
                self.loop.call_soon_threadsafe(self._lost, connection)

    def _lost(self, connection: libvirt.virConnect) -> None:
        if self._closed or connection is not self._connection:
            return
        self._connection = None
        self._healer = asyncio.get_running_loop().create_task(self._heal(connection))

    async def _heal(self, dead: libvirt.virConnect) -> None:
        with contextlib.suppress(ProvisionerError):
            await self._thread(partial(self._hang_up, dead), seconds=5)
        del dead
        delay = _FIRST_DELAY
        while True:
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - spreads many hosts
            delay = min(delay * 2, _LAST_DELAY)
            try:
                await self.open(again=True)
            except ProvisionerError:
                continue
            except Exception:
                _log.exception("reaching libvirt at %s again failed", self.uri)
                continue
            if self._healer is asyncio.current_task():
                self._healer = None
            return


def _alive(connection: libvirt.virConnect) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False
