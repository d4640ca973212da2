"""What `provisioner top` draws: a row for each install, as many as the terminal has lines for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from provisioner.cli.pace import likely
from provisioner.cli.timeline import duration
from provisioner.core.install import FINAL, ORDER, Stage
from provisioner.pace.change import roughly

_COLOURS = {"installed": "green", "failed": "red", "cancelled": "yellow"}
_OVER_HEAD = 4
"""Lines that are not installs: the summary, an empty one, the heading, the last."""
_WIDE, _WIDER = 100, 140
_BAR = 10
_STAGES = {stage.value: number for number, stage in enumerate(ORDER)}


@dataclass(slots=True)
class Board:
    """What is known. `installs` by id, as the API tells them; `last` the latest event of each in words."""

    installs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    away: str = ""

    def rows(self, sort: str) -> list[Mapping[str, Any]]:
        """Those that failed, those that run, the others; among them as `SORTS` says."""
        return sorted(self.installs.values(), key=lambda i: (_rank(i["stage"]), *SORTS[sort](i)))


SORTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]] = {
    "name": lambda i: (i["guest"],),
    "begun": lambda i: (i["created"], i["guest"]),
    "stage": lambda i: (-_STAGES.get(i["stage"], 0), -i["percent"], i["guest"]),
    "left": lambda i: (i.get("left_seconds") is None, i.get("left_seconds") or 0, i["guest"]),
}


def picture(board: Board, sort: str, width: int, height: int, now: datetime | None = None) -> Group:
    """The whole drawing. `height` 0: every row is drawn."""
    rows = board.rows(sort)
    room = max(1, height - _OVER_HEAD) if height else len(rows)
    shown = rows if len(rows) <= room else rows[: room - 1]
    parts: list[Any] = [_summary(board), Text("")]
    if shown:
        parts.append(_table(board, shown, width, now or datetime.now(UTC)))
    else:
        parts.append(Text("nothing is being installed", "dim"))
    if len(shown) < len(rows):
        parts.append(Text(f"… and {len(rows) - len(shown)} more", "dim"))
    return Group(*parts)


def _rank(stage: str) -> int:
    return 0 if stage == Stage.FAILED else 2 if stage in FINAL else 1


def _summary(board: Board) -> Text:
    stages = [str(install["stage"]) for install in board.installs.values()]
    running = sum(stage not in FINAL for stage in stages)
    text = Text.assemble((f"{running} running", "bold"), no_wrap=True, overflow="ellipsis")
    for stage in (Stage.INSTALLED, Stage.FAILED, Stage.CANCELLED):
        if count := stages.count(stage.value):
            text.append(f"  {count} {stage.value}", _COLOURS[stage.value])
    lefts = [i.get("left_seconds") for i in board.installs.values() if i["stage"] not in FINAL]
    known = [left for left in lefts if left is not None]
    if known and len(known) == running:
        text.append(f"  {roughly(max(known))} left for all", "dim")
    if board.away:
        text.append(f"  {board.away}", "bold red")
    return text


def _table(board: Board, rows: Sequence[Mapping[str, Any]], width: int, now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", width=width)
    wide, wider = width >= _WIDE, width >= _WIDER
    columns = [("GUEST", 6, 24)]
    columns += [("PROFILE", 7, 20)] if wide else []
    columns += [("HOST", 5, 16)] if wider else []
    columns += [("STAGE", 10, 10), ("", _BAR, _BAR), ("%", 3, 3), ("LEFT", 4, 12)]
    columns += [("FOR", 6, 9)] if wide else []
    columns += [("ADDRESS", 8, 39)] if wide else []
    for title, least, most in columns:
        right = title in ("%", "LEFT", "FOR")
        table.add_column(
            title,
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=least,
            max_width=most,
        )
    table.add_column("LAST", no_wrap=True, overflow="ellipsis", ratio=1)
    for install in rows:
        stage = str(install["stage"])
        over = stage in FINAL
        colour = _COLOURS.get(stage, "cyan")
        last = str(install.get("reason") or "") if over else ""
        cells: list[Any] = [Text(str(install["guest"]))]
        cells += [Text(str(install["profile"]), "dim")] if wide else []
        cells += [Text(_host(board, install), "dim")] if wider else []
        cells += [
            Text(stage, colour),
            ProgressBar(total=100, completed=install["percent"], width=_BAR, complete_style=colour),
            Text(str(install["percent"])),
            Text("" if over else likely(install)),
        ]
        cells += [Text(_since(install, now), "dim")] if wide else []
        cells += [Text(str(install.get("address") or ""))] if wide else []
        slower = str(install.get("slower") or "")
        told = last or slower or board.last.get(str(install["id"]), "")
        cells.append(Text(told.splitlines()[0] if told else "", "yellow" if slower and not over else "dim"))
        table.add_row(*cells)
    return table


def _host(board: Board, install: Mapping[str, Any]) -> str:
    uri = str(install.get("host") or "")
    return board.hosts.get(uri, uri)


def _since(install: Mapping[str, Any], now: datetime) -> str:
    end = datetime.fromisoformat(install["changed"]) if install["stage"] in FINAL else now
    return duration(max(0.0, (end - datetime.fromisoformat(install["created"])).total_seconds()))
