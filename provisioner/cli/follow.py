"""Follows many installs until all are over: a live line for each guest, or one for each stage it passes."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

from provisioner.cli.api import Api
from provisioner.cli.records import install as record
from provisioner.cli.timeline import duration
from provisioner.core.errors import Unavailable
from provisioner.core.install import Install, Stage

if TYPE_CHECKING:
    from rich.table import Table

_EVERY_SECONDS = 1.0
_OUTAGE_SECONDS = 60.0
_MOST = 10_000


class Board(Protocol):
    """Shows installs as they go; entered before and left after."""

    def __enter__(self) -> "Board": ...
    def __exit__(self, *exc: object) -> None: ...
    def show(self, installs: Sequence[Install]) -> None: ...


def follow_all(api: Api, guests: Iterable[str]) -> list[dict[str, Any]]:
    """The latest install of each guest once all are over; a guest without one is passed over.

    Raises Unavailable where the service stays away.
    """
    wanted, lost = set(guests), None
    with board() as told:
        while True:
            try:
                found, lost = _latest(api, wanted), None
            except Unavailable:
                lost = lost or time.monotonic()
                if time.monotonic() - lost > _OUTAGE_SECONDS:
                    raise
            else:
                installs = [record(one) for one in found]
                told.show(installs)
                if all(one.over for one in installs):
                    return found
            time.sleep(_EVERY_SECONDS)


def _latest(api: Api, guests: set[str]) -> list[dict[str, Any]]:
    """In the order of their names."""
    limit = min(_MOST, 3 * len(guests) + 100)
    found: dict[str, dict[str, Any]] = {}
    for install in api.get("installs", limit=str(limit)):  # the newest first
        if install["guest"] in guests:
            found.setdefault(install["guest"], install)
    return [found[name] for name in sorted(found)]


class Lines:
    """A line for each stage that a guest comes to, for logs and pipes."""

    def __init__(self) -> None:
        self._shown: Mapping[str, Stage] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def show(self, installs: Sequence[Install]) -> None:
        for one in installs:
            new = self._shown.get(one.id) != one.stage
            if new and (self._shown or not one.over):
                click.echo(f"{one.guest}: {one.stage.value}", err=True)
        self._shown = {one.id: one.stage for one in installs}


class Live:
    """A table on the terminal, those that are over folded into one line."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._installs: Sequence[Install] = ()
        console = Console(stderr=True, highlight=False)
        self._live = RichLive(console=console, get_renderable=self._picture, refresh_per_second=4)

    def __enter__(self) -> "Live":
        self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, installs: Sequence[Install]) -> None:
        self._installs = installs

    def _picture(self) -> "Table":
        return picture(self._installs, datetime.now(UTC))


def picture(installs: Sequence[Install], now: datetime) -> "Table":
    """A row for each install that runs or failed; the number of those that are installed."""
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    for one in installs:
        if one.stage is Stage.INSTALLED:
            continue
        took = duration(((one.changed if one.over else now) - one.created).total_seconds())
        style = "red" if one.over else "cyan"
        drawn.add_row(one.guest, f"[{style}]{one.stage.value}[/]", f"{one.percent} %", took)
    done = sum(one.stage is Stage.INSTALLED for one in installs)
    drawn.add_row("", f"[green]{done} of {len(installs)} installed[/]", "", "")
    return drawn


def board() -> Board:
    """The table where stderr is a terminal, plain lines elsewhere."""
    return Live() if sys.stderr.isatty() else Lines()
