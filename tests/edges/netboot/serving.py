"""Netboot and its parts in a thread of their own, inside a network namespace where one is named."""

import asyncio
import ctypes
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

from provisioner.boot.client import Ignore, Local, Question, identify
from provisioner.boot.decide import Offer, decide
from provisioner.boot.loader import pick
from provisioner.core import urls
from provisioner.core.install import Event, Kind
from provisioner.netboot.mmsg import best
from provisioner.netboot.plane import Behind
from provisioner.netboot.selector import HotLoop
from provisioner.netboot.tftp import Limits, Tftp
from provisioner.netboot.told import Told
from provisioner.netboot.transfer import Policy

Result = TypeVar("Result")
LOADERS = {"snponly.efi": bytes(range(256)) * 700, "undionly.kpxe": b"\xe9" * 70_001, "empty": b""}
_CLONE_NEWNET = 0x40000000


def now() -> datetime:
    return datetime.now(UTC)


def everybody(question: Question, local: Local) -> Offer | Ignore:
    """Decides as if every netboot client had an install."""
    client = identify(question)
    if isinstance(client, Ignore):
        return client
    return decide(client, "netboot", "", urls.base(local.address, 8080), local.address, LOADERS)


def loader(name: str, address: str, local: Local) -> bytes | Ignore | None:
    return pick(name, LOADERS)


class Events(list[Event]):
    """What was told. Waiting for it is bounded by the test's own time limit, never by a guess."""

    def __init__(self) -> None:
        super().__init__()
        self._more = threading.Condition()

    def take(self, event: Event) -> None:
        with self._more:
            self.append(event)
            self._more.notify_all()

    def wait(self, kind: Kind, count: int = 1) -> list[Event]:
        with self._more:
            self._more.wait_for(lambda: len(self.of(kind)) >= count, timeout=60)
        assert len(self.of(kind)) >= count, f"no {kind}: {[event.text for event in self]}"
        return self.of(kind)

    def of(self, kind: Kind) -> list[Event]:
        return [event for event in self if event.kind is kind]

    def told(self, local: Local) -> Told:
        return Told(self.take, now, lambda address: None, local)


def enter(space: str) -> None:
    """Moves this thread into a network namespace; sockets it makes from then on belong there."""
    descriptor = os.open(f"/run/netns/{space}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {space}")
    finally:
        os.close(descriptor)


def inside(space: str, work: Callable[[], Result]) -> Result:
    """What `work` gives when a thread in the namespace does it."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            enter(space)
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


class Running:
    """Runs `main(started)` in a thread's own loop until the block is left, then cancels it."""

    def __init__(self, main: Callable[[Callable[[], None]], Awaitable[None]], space: str = "") -> None:
        self._main = main
        self._space = space
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._started.wait(60)
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._task is not None and not self._task.done():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def call(self, work: Callable[[], Result]) -> Result:
        """Does `work` in the loop's thread."""
        assert self._loop is not None

        async def do() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(60)

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine gives in the loop's thread."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def _run(self) -> None:
        try:
            if self._space:
                enter(self._space)
            with asyncio.Runner(loop_factory=HotLoop) as runner:  # as the netboot process has it
                runner.run(self._serve())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        await self._main(self._started.set)


@contextmanager
def opened(
    open_it: Callable[[], Result], close: Callable[[Result], None], space: str = ""
) -> Iterator[Result]:
    """Something with `open` and `close` that lives in a loop, for the time of the block."""
    made: list[Result] = []

    async def main(started: Callable[[], None]) -> None:
        made.append(open_it())
        started()
        try:
            await asyncio.Event().wait()
        finally:
            close(made[0])

    with Running(main, space):
        yield made[0]


def tftp(  # type: ignore[no-untyped-def]
    events: Events,
    *,
    limits: Limits | None = None,
    give=loader,
    address: str = "127.0.0.1",
    datagrams=best,
    policy: Policy | None = None,
    behind: Behind = lambda: False,
):
    def open_it() -> Tftp:
        local = Local("lo", address)
        tftp = Tftp(local, 1500, give, events.told(local), limits, policy, datagrams, behind)
        tftp.open(0)
        return tftp

    return opened(open_it, Tftp.close)
