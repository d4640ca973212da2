"""Follows many installs until all are over: a live line for each guest, or one for each stage it passes."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

from provisioner.cli.api import Api
from provisioner.cli.pace import left
from provisioner.cli.records import moment
from provisioner.cli.timeline import duration
from provisioner.core.errors import Unavailable
from provisioner.core.install import FINAL, Stage

if TYPE_CHECKING:
    from rich.table import Table

_EVERY_SECONDS = 1.0
_OUTAGE_SECONDS = 60.0
_MOST = 10_000
_BAR = 20

Told = Mapping[str, Any]
"""An install as the API tells it."""


class Board(Protocol):
    """Shows installs as they go; entered before and left after."""

    def __enter__(self) -> "Board": ...
    def __exit__(self, *exc: object) -> None: ...
    def show(self, installs: Sequence[Told]) -> None: ...


def follow_all(api: Api, guests: Iterable[str], *, timeout: float | None = None) -> list[dict[str, Any]]:
    """The latest install of each guest once all are over; a guest without one is passed over.

    Raises Unavailable where the service stays away, or `timeout` seconds are over.
    """
    wanted, lost, begun = set(guests), None, time.monotonic()
    with board() as told:
        while True:
            try:
                found, lost = _latest(api, wanted), None
            except Unavailable:
                lost = lost or time.monotonic()
                if time.monotonic() - lost > _OUTAGE_SECONDS:
                    raise
            else:
                told.show(found)
                if all(one["stage"] in FINAL for one in found):
                    return found
                if timeout is not None and time.monotonic() - begun > timeout:
                    running = [one["guest"] for one in found if one["stage"] not in FINAL]
                    raise Unavailable(
                        f"{len(running)} of {len(found)} guests are not installed yet after {timeout:g} s",
                        remedy=f"see what they wait for: provisioner install why {running[0]}",
                    )
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
        self._shown: Mapping[str, str] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def show(self, installs: Sequence[Told]) -> None:
        for one in installs:
            new = self._shown.get(one["id"]) != one["stage"]
            if new and (self._shown or one["stage"] not in FINAL):
                rest = "" if one["stage"] in FINAL else left(one)
                click.echo(f"{one['guest']}: {one['stage']}" + (f", {rest} left" if rest else ""), err=True)
        self._shown = {one["id"]: one["stage"] for one in installs}


class Live:
    """A table on the terminal, those that are over folded into one line."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._installs: Sequence[Told] = ()
        console = Console(stderr=True, highlight=False)
        self._live = RichLive(console=console, get_renderable=self._picture, refresh_per_second=4)

    def __enter__(self) -> "Live":
        self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, installs: Sequence[Told]) -> None:
        self._installs = installs

    def _picture(self) -> "Table":
        return picture(self._installs, datetime.now(UTC), max(1, self._live.console.height - 2))


def picture(installs: Sequence[Told], now: datetime, lines: int) -> "Table":
    """A row for each install that runs or failed, as many as there are lines; how many are installed."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2))
    rows = [one for one in installs if one["stage"] != Stage.INSTALLED]
    for one in rows[:lines]:
        over = one["stage"] in FINAL
        end = moment(one["changed"]) if over else now
        style = "red" if over else "cyan"
        drawn.add_row(
            Text(one["guest"]),
            Text(one["stage"], style),
            ProgressBar(total=100, completed=one["percent"], width=_BAR, complete_style=style),
            f"{one['percent']} %",
            duration((end - moment(one["created"])).total_seconds()),
            "" if over else left(one),
        )
    done = len(installs) - len(rows)
    more = f", {len(rows) - lines} more are not shown" if len(rows) > lines else ""
    drawn.add_row("", Text(f"{done} of {len(installs)} installed{more}", "green"), "", "", "", "")
    return drawn


def board() -> Board:
    """The table where stderr is a terminal, plain lines elsewhere."""
    return Live() if sys.stderr.isatty() else Lines()
