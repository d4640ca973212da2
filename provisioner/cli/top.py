"""`provisioner top`: the installations that run, live."""

import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.events import followed
from provisioner.cli.output import Format, document, output_option
from provisioner.core.errors import ProvisionerError
from provisioner.core.install import FINAL

if TYPE_CHECKING:
    from provisioner.cli.top_picture import Board

_EVERY_SECONDS = 2.0
_KEY_SECONDS = 0.25
_AT_ONCE = 40
"""Installs that are asked for one by one in a round: how they ended, at first what they did last."""
_REMEMBERED = 500
_ALL = "10000"
_SORTS = ("name", "begun", "stage", "left")


@click.command()
@click.option("--sort", type=click.Choice(_SORTS), default="name", show_default=True, help="The order.")
@click.option("--once", is_flag=True, help="Print the table once and end.")
@output_option
def top(sort: str, once: bool, output: Format) -> None:
    """Show the installations that run, how far each is and how long it will take; q ends it.

    What ends while you look stays, with its reason. Without a terminal, and with --once or -o json, the
    table is printed once.
    """
    api = connect()
    if output != "table":
        document(api.get("installs", active="1", limit=_ALL), output)
        return
    from rich.console import Console

    from provisioner.cli.top_picture import Board, picture

    board = Board(hosts=_hosts(api))
    _look(api, board)
    _ask_last(api, board)
    console = Console(highlight=False)
    if once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        console.print(picture(board, sort, console.width, 0))
        return
    _live(api, board, sort)


def _live(api: Api, board: "Board", sort: str) -> None:
    from rich.console import Console
    from rich.live import Live

    from provisioner.cli.top_picture import picture

    console = Console(highlight=False)
    threading.Thread(target=_listen, args=(Api(api.endpoint), board), daemon=True).start()

    def draw() -> Any:
        return picture(board, sort, console.width, console.height)

    with _keys(), Live(draw(), console=console, screen=True, auto_refresh=False) as live:
        looked = time.monotonic()
        while not _pressed("q"):
            if time.monotonic() - looked >= _EVERY_SECONDS:
                looked = time.monotonic()
                try:
                    _look(api, board)
                    board.away = ""
                except ProvisionerError as error:
                    board.away = str(error)
            live.update(draw(), refresh=True)


def _look(api: Api, board: "Board") -> None:
    """What runs now, and how that ended which ran a moment ago."""
    running = {str(item["id"]): item for item in api.get("installs", active="1", limit=_ALL)}
    before = {key: item for key, item in board.installs.items() if key not in running}
    gone = [key for key, item in before.items() if item["stage"] not in FINAL]
    ended = {key: api.get("installs", key) for key in gone[:_AT_ONCE]}
    board.installs = dict(list((before | ended).items())[-_REMEMBERED:]) | running


def _ask_last(api: Api, board: "Board") -> None:
    for key in list(board.installs)[:_AT_ONCE]:
        for event in api.get("events", install=key, latest="1"):
            _note(board, event)


def _listen(api: Api, board: "Board") -> None:
    """Runs beside the drawing, with a connection of its own; what stands against it is drawn anyway."""
    with suppress(ProvisionerError):
        last = max((event["id"] for event in api.get("events", latest="1")), default=0)
        for event in followed(api, int(last), tell=lambda text: None):
            _note(board, event)


def _note(board: "Board", event: Any) -> None:
    install = str(event.get("install") or "")
    if not install:
        return
    if len(board.last) > 2 * _REMEMBERED:
        board.last = {key: text for key, text in board.last.items() if key in board.installs}
    board.last[install] = str(event.get("text") or event["kind"])


def _hosts(api: Api) -> dict[str, str]:
    """Names by URI; the configured host is ""."""
    try:
        found = {str(host["uri"]): str(host["name"]) for host in api.get("hosts")}
    except ProvisionerError:
        found = {}
    return {"": "local", **found}


@contextmanager
def _keys() -> Iterator[None]:
    """Keys come at once and are not shown."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pressed(key: str) -> bool:
    """Whether the key was pressed within a quarter of a second, or the terminal is gone."""
    ready, _, _ = select.select([sys.stdin], [], [], _KEY_SECONDS)
    typed = os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace") if ready else "-"
    return not typed or key in typed.lower()
