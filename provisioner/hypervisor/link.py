"""One connection to libvirt that mends itself, and the bounded threads its blocking calls run in."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import libvirt

from provisioner.core.errors import Invalid, ProvisionerError, Unavailable
from provisioner.hypervisor import devices
from provisioner.hypervisor.dial import Dial
from provisioner.hypervisor.errors import translate
from provisioner.hypervisor.pair import Pair, dial, let_go
from provisioner.hypervisor.threads import Threads

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_STREAMS = 4
"""Transfers at a time; more wait for their turn."""
_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0
_CLOSED = {
    libvirt.VIR_CONNECT_CLOSE_REASON_ERROR: "the connection to it broke",
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "it closed the connection",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "it gave no sign of life for six seconds",
    libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT: "the connection was given up",
}
_BROKE = _CLOSED[libvirt.VIR_CONNECT_CLOSE_REASON_ERROR]
_CLOSE_SECONDS = 2.0


class Link:
    """Opens on first use. While it is down, which it tries to mend by itself, every call fails at once.

    `on_up(connection, again)` is called in a worker thread for each new connection before anybody else
    has it; `again` says that an earlier one was lost. It returns the ids of the event callbacks that it
    registered: until they are taken back, libvirt keeps a closed connection open.
    """

    def __init__(
        self, uri: str, on_up: Callable[[libvirt.virConnect, bool], list[int]], *, threads: int = 8
    ) -> None:
        self.uri = uri
        self._on_up = on_up
        self._most = threads
        self._threads = Threads(threads, "libvirt")
        self._streams = Threads(_STREAMS, "libvirt-stream")
        self._dial = Dial(uri, self._dial_now, self._let_go)
        self._pair: Pair | None = None
        self._gone: asyncio.Future[None] | None = None
        """Done once the present pair is lost: nobody waits for its calls any longer."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """The asyncio loop that opened it: callbacks of libvirt hop over to this one."""
        self.trouble = ""
        """Why it is down; "" while it is up, or was not tried yet."""
        self._was_up = False
        self._dialling: asyncio.Task[Pair] | None = None
        self._healer: asyncio.Task[None] | None = None
        self._closed = False
        self._told: Callable[[Callable[..., object]], None] = lambda function: None

    def heard(self, told: Callable[[Callable[..., object]], None]) -> None:
        """From now on `told(function)` is called when a change was made, or was tried."""
        self._told = told

    @property
    def up(self) -> bool:
        return self._pair is not None

    async def open(self) -> None:
        """Raises Unavailable or Invalid where there is no connection to be had."""
        await self._opened()

    async def close(self) -> None:
        """Ends it for good. Calls that are still under way fail."""
        self._closed = True
        for task in (self._healer, self._dialling):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        closed = self._give_up()
        self._dial.close()
        self._close_threads()
        if closed is not None:
            await asyncio.wait({closed}, timeout=_CLOSE_SECONDS)

    async def run(
        self,
        function: Callable[Concatenate[libvirt.virConnect, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`function(connection, …)` in a thread, for questions: 15 seconds at most."""
        pair = await self._opened()
        return await self._ask(pair, partial(function, pair.work, *args, **kwargs), seconds=15)

    async def act(
        self,
        function: Callable[Concatenate[libvirt.virConnect, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same for what changes something: 120 seconds, and a cancelled caller waits for its end.

        Otherwise the undoing that follows a Ctrl-C would race with the very step it undoes.
        """
        pair = await self._opened()
        call = partial(function, pair.work, *args, **kwargs)
        try:
            return await _to_its_end(self._ask(pair, call, seconds=120, changes=True))
        finally:
            self._told(function)

    async def stream(
        self,
        function: Callable[Concatenate[libvirt.virConnect, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same for what takes as long as its data: no deadline, and threads of its own.

        A cancelled caller waits for its end too; whoever feeds the function ends it.
        """
        pair = await self._opened()
        call = partial(function, pair.work, *args, **kwargs)
        return await _to_its_end(self._ask(pair, call, seconds=None, threads=self._streams, changes=True))

    async def _opened(self) -> Pair:
        if self._pair is not None:
            return self._pair
        if self._closed:
            raise Unavailable(f"the connection to libvirt at {self.uri} was closed")
        if self._healer is not None:
            raise self._down()
        return await self._reach()

    async def _reach(self) -> Pair:
        """One attempt for all who ask at the same time."""
        if self._dialling is None:
            self.loop = asyncio.get_running_loop()
            self._dialling = self.loop.create_task(self._connect())
            self._dialling.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._dialling)

    async def _connect(self) -> Pair:
        try:
            pair = await self._dial.pair()
        except ProvisionerError as error:
            self.trouble = str(error)
            if self._healer is None and not self._closed and not isinstance(error, Invalid):
                self._healer = asyncio.get_running_loop().create_task(self._heal())
            raise
        finally:
            self._dialling = None
        self._pair, self._gone = pair, asyncio.get_running_loop().create_future()
        self._was_up, self.trouble = True, ""
        if not pair.alive:  # lost before anybody could be told
            self._lost(pair, _BROKE)
        return pair

    async def _ask(
        self,
        pair: Pair,
        call: Callable[[], T],
        *,
        seconds: float | None,
        changes: bool = False,
        threads: Threads | None = None,
    ) -> T:
        """The call's answer, within `seconds` and before the host is lost. Raises our own errors."""
        gone = self._gone
        if gone is None:
            raise self._down()
        answer: asyncio.Future[Any] = (threads or self._threads).submit(call, changes=changes)
        try:
            await asyncio.wait({answer, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answer.cancel()
        failure: BaseException | None = None
        try:
            if not answer.cancelled() and (failure := answer.exception()) is None:
                return cast(T, answer.result())
            if gone.done():  # whatever the call fails with now, it is that the host was given up
                raise self._down()
            if failure is None:
                raise Unavailable(f"libvirt at {self.uri} gave no answer within {seconds:g} seconds")
            if not isinstance(failure, libvirt.libvirtError):
                raise failure
            if not pair.alive:
                self._lost(pair, _BROKE)
            raise translate(failure, self.uri) from failure
        finally:
            del answer, failure  # an error must not hold itself, and with it this frame and the connection

    def _dial_now(self) -> Pair:
        """In the dial's thread."""
        return dial(self.uri, lambda connection: self._on_up(connection, self._was_up), self._heard_close)

    def _heard_close(self, pulse: libvirt.virConnect, reason: int, _opaque: object) -> None:
        """libvirt calls this in its event thread."""
        with contextlib.suppress(RuntimeError):  # the asyncio loop ended before us
            if self.loop is not None:
                self.loop.call_soon_threadsafe(self._pulse_ended, pulse, _CLOSED.get(reason, _BROKE))

    def _pulse_ended(self, pulse: libvirt.virConnect, why: str) -> None:
        if self._pair is not None and self._pair.pulse is pulse:
            self._lost(self._pair, why)

    def _lost(self, pair: Pair, why: str) -> None:
        if self._closed or pair is not self._pair:
            return
        self.trouble = f"libvirt at {self.uri} went away: {why}"
        self._give_up()
        self._healer = asyncio.get_running_loop().create_task(self._heal())

    def _give_up(self) -> "asyncio.Future[None] | None":
        """Lets the present pair go, and the threads that may be stuck in its calls. Done once closed."""
        pair, gone = self._pair, self._gone
        if pair is None or gone is None:
            return None
        self._pair = self._gone = None
        gone.set_result(None)
        self._threads.give_up()
        self._streams.give_up()
        self._threads = Threads(self._most, "libvirt")
        self._streams = Threads(_STREAMS, "libvirt-stream")
        return self._let_go(pair)

    def _close_threads(self) -> None:
        self._threads.close()
        self._streams.close()

    def _let_go(self, pair: Pair) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        closed: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not closed.done():
                closed.set_result(None)

        def done() -> None:
            with contextlib.suppress(RuntimeError):  # the asyncio loop ended before us
                loop.call_soon_threadsafe(tell)

        let_go(pair, done)
        return closed

    async def _heal(self) -> None:
        delay = _FIRST_DELAY
        while True:
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - spreads many hosts
            delay = min(delay * 2, _LAST_DELAY)
            try:
                await self._reach()
            except ProvisionerError:
                continue
            except Exception:
                _log.exception("reaching libvirt at %s again failed", self.uri)
                continue
            if self._healer is asyncio.current_task():
                self._healer = None
            return

    def _down(self) -> Unavailable:
        remedy = "see whether that machine is reachable and its libvirtd runs"
        if devices.is_local(self.uri):
            remedy = "start it: systemctl start libvirtd, or: virtlogd -d; libvirtd -d"
        return Unavailable(f"{self.trouble}; trying to reach it again", remedy=remedy)


async def _to_its_end(asking: Coroutine[Any, Any, T]) -> T:
    """The answer; a caller that is cancelled waits for it first."""
    work = asyncio.ensure_future(asking)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()
        raise
