"""Follows one install until it is over: live on a terminal, one line a stage elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import click

from provisioner.cli import records
from provisioner.cli.api import Api
from provisioner.cli.timeline import duration, laps
from provisioner.core.errors import Conflict, ProvisionerError, Unavailable
from provisioner.core.install import FINAL, Event, Install, Stage

_SILENCE_SECONDS = 5.0  # an open stream that says nothing is looked behind after this
_OUTAGE_SECONDS = 60.0  # a service that is being restarted is waited for this long


class Painter(Protocol):
    """Shows an install as it goes; `paint` is called with every change, and about once a second."""

    def __enter__(self) -> object: ...
    def __exit__(self, *exc: object) -> None: ...
    def paint(self, install: Install, events: list[Event]) -> None: ...


def follow(api: Api, install_id: str, painter: Painter, *, timeout: float | None = None) -> Install:
    """The install once it is over. Raises Unavailable when the service stays away or `timeout` ends."""
    deadline = time.monotonic() + timeout if timeout is not None else None
    events: list[Event] = []
    with painter:
        for install in _states(api, install_id, events):
            painter.paint(install, events)
            if install.over:
                return install
            if deadline is not None and time.monotonic() > deadline:
                raise Unavailable(
                    f"{install.guest} is still {install.stage.value} after {timeout:g} s",
                    remedy=f"see what it waits for: provisioner install why {install.guest}",
                )
    raise AssertionError("the states of an install end only with it")


def _states(api: Api, install_id: str, events: list[Event]) -> Iterator[Install]:
    """The install now and after every change; `events` grows beside it.

    The stream only tells that something happened. The truth is asked for after the stream is open, so that
    nothing falls between, and again whenever the stream was silent or broke.
    """
    lost = None
    while True:
        try:
            _catch_up(api, install_id, events)
            for frame in api.events(events[-1].id if events else 0, idle=_SILENCE_SECONDS):
                if frame is None:
                    yield _now(api, install_id, events)
                elif frame.name == "event" and frame.data.get("install") == install_id:
                    _append(events, records.event(frame.data))
                elif frame.name == "install" and frame.data.get("id") == install_id:
                    install = records.install(frame.data)
                    yield _now(api, install_id, events) if install.over else install
            yield _now(api, install_id, events)
            lost = None
        except Unavailable:
            lost = lost or time.monotonic()
            if time.monotonic() - lost > _OUTAGE_SECONDS:
                raise
        time.sleep(0.2)


def _now(api: Api, install_id: str, events: list[Event]) -> Install:
    """The install first and its events after it: so no stage is shown that no event explains."""
    install = records.install(api.get("installs", install_id))
    _catch_up(api, install_id, events)
    return install


def _catch_up(api: Api, install_id: str, events: list[Event]) -> None:
    after = events[-1].id if events else 0
    for item in api.get("installs", install_id, "events", after=str(after)):
        _append(events, records.event(item))


def _append(events: list[Event], event: Event | None) -> None:
    if event is not None and (not events or event.id > events[-1].id):
        events.append(event)


class Lines:
    """One line for every stage that was passed, for logs and pipes."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or (lambda line: click.echo(line, err=True))
        self._shown = 1  # `planned` is no news

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def paint(self, install: Install, events: list[Event]) -> None:
        passed = laps(install, events)
        ended = [lap for lap in passed if lap.ended is not None]
        for lap in ended[self._shown :]:
            if lap.stage in FINAL:
                self._write(f"{install.guest}: {lap.stage.value}")
            else:
                took = duration(lap.seconds(lap.began))
                self._write(f"{install.guest}: {lap.stage.value:<10}  {took:>9}  {lap.note}".rstrip())
        self._shown = max(self._shown, len(ended))


def painter() -> Painter:
    """The live picture where stderr is a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        return Lines()
    from provisioner.cli.live import Live

    return Live()


def until_installed(api: Api, install_id: str, *, timeout: float | None = None) -> Install:
    """Follows an install to its end; anything but `installed` is raised with what `install why` knows."""
    install = follow(api, install_id, painter(), timeout=timeout)
    if install.stage is Stage.INSTALLED:
        return install
    raise failure(install, api.get("installs", install_id, "why"))


def failure(install: Install, why: Mapping[str, Any]) -> ProvisionerError:
    """The end of an install as one sentence: where it stopped, the likely cause, and the remedy."""
    if install.stage is Stage.CANCELLED:
        return Conflict(f"the installation of {install.guest} was cancelled")
    stage = f" while {install.failed_at.value}" if install.failed_at else ""
    cause = why.get("cause") or install.reason or "no cause is known"
    return Unavailable(f"{install.guest} failed{stage}: {cause}", remedy=str(why.get("remedy") or ""))
