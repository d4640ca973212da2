"""An install drawn on a terminal: a line a stage, and a bar for the whole."""

from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from provisioner.cli.records import Told
from provisioner.cli.timeline import Lap, duration, laps
from provisioner.core.install import Event, Install, Stage

_ENDS = {
    Stage.INSTALLED: ("✓", "green"),
    Stage.FAILED: ("✗", "red"),
    Stage.CANCELLED: ("✗", "yellow"),
}
_BAR_WIDTH = 40


class Live:
    """A painter for `watch.follow`. It redraws by itself, so that the seconds run between two events."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._spinner = Spinner("dots", style="cyan")
        self._install: Install | None = None
        self._laps: tuple[Lap, ...] = ()
        self._live = RichLive(
            console=self._console, get_renderable=self._picture, refresh_per_second=8, transient=False
        )

    def __enter__(self) -> "Live":
        self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.__exit__(None, None, None)

    def paint(self, install: Install, events: list[Event]) -> None:
        self._install, self._laps = install, laps(install, events)

    def _picture(self) -> Group:
        if self._install is None:
            return Group()
        return picture(self._install, self._laps, self._spinner, datetime.now(UTC))


def picture(install: Install, passed: tuple[Lap, ...], spinner: Spinner, now: datetime) -> Group:
    """The whole drawing at one moment."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=1)
    table.add_column(min_width=10)
    table.add_column(justify="right", min_width=9)
    table.add_column(style="dim", no_wrap=True, overflow="ellipsis")
    for lap in passed:
        if lap.stage is Stage.PLANNED and len(passed) > 1:
            continue
        mark, style = _ENDS.get(lap.stage, ("✓", "green"))
        if lap.ended is None:
            table.add_row(spinner, Text(lap.stage.value, "bold"), duration(lap.seconds(now)), lap.note)
        else:
            took = "" if install.over and lap is passed[-1] else duration(lap.seconds(now))
            table.add_row(Text(mark, style), Text(lap.stage.value), took, Text(lap.note))
    end = passed[-1].ended or now
    total = duration((end - install.created).total_seconds())
    heading = Text.assemble((install.guest, "bold"), ("  " + install.profile, "dim"), f"  {total}")
    if install.over:
        return Group(heading, table)
    bar = Table.grid(padding=(0, 2))
    bar.add_row(
        ProgressBar(total=100, completed=install.percent, width=_BAR_WIDTH, complete_style="cyan"),
        Text(f"{install.percent} %", "dim"),
        Text(f"{install.left} left" if isinstance(install, Told) and install.left else "", "dim"),
    )
    return Group(heading, table, bar)
