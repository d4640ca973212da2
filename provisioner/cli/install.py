"""`provisioner install …`: follow an installation, and ask why it stopped."""

import sys
from datetime import UTC, datetime
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import installs
from provisioner.cli.output import (
    Column,
    Format,
    clock,
    document,
    field,
    output_option,
    pairs,
    remark,
    rows,
    table,
)
from provisioner.cli.pace import budget, left, likely
from provisioner.core.errors import Unavailable
from provisioner.core.install import FINAL
from provisioner.core.names import expand

_READABLE = 100

ref_argument = click.argument("name", metavar="NAME", shell_complete=installs)


@click.group()
def install() -> None:
    """Watch an installation, and ask why it stopped.

    NAME is a guest or machine (its latest installation), or the id of an installation.
    """


install.add_command(budget)


def _ago(text: str) -> str:
    from provisioner.cli.timeline import duration

    return duration((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()) + " ago"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _unchecked(events: Any) -> str:
    """What a check found in an answer file that was served all the same."""
    found = [event.get("data", {}).get("unchecked", "") for event in events]
    return next((f"--no-lint: {text}" for text in reversed(found) if text), "")


@install.command("list")
@output_option
def list_installs(output: Format) -> None:
    """List installations, the newest first."""
    columns = (
        field("id"),
        field("guest"),
        field("profile"),
        field("stage"),
        Column("DONE", lambda i: f"{i['percent']} %", right=True),
        Column("LEFT", likely, right=True),
        Column("BEGUN", lambda i: _ago(i["created"]), right=True),
        Column("REASON", lambda i: i.get("reason") or ""),
    )
    rows(connect().get("installs"), columns, output, empty="nothing was installed yet")


@install.command()
@ref_argument
@click.option("--events", "everything", is_flag=True, help="Every event, not only the stages.")
@output_option
def show(name: str, everything: bool, output: Format) -> None:
    """Show an installation: its stages with their seconds, and with --events all that happened."""
    from provisioner.cli import records
    from provisioner.cli.timeline import duration, laps

    api = connect()
    item = api.get("installs", name)
    events = api.get("installs", item["id"], "events")
    if output != "table":
        document({**item, "events": events}, output)
        return
    fields = [
        ("install", item["id"]),
        ("guest", item["guest"]),
        ("profile", item["profile"]),
        ("stage", item["stage"]),
        ("failed at", item.get("failed_at")),
        ("reason", item.get("reason")),
        ("unchecked", _unchecked(events)),
        ("begun", _moment(item["created"])),
        ("done", "" if item["stage"] in FINAL else f"{item['percent']} %"),
        ("left", left(item)),
        ("slower", item.get("slower")),
        ("address", item.get("address")),
    ]
    pairs(item, fields, output)
    click.echo()
    if everything:
        columns = (
            Column("AT", lambda e: clock(e["at"])),
            field("source"),
            Column("EVENT", lambda e: e["kind"]),
            Column("WHAT", lambda e: e.get("text") or ""),
        )
        rows(events, columns, output, empty="no events")
        return
    passed = laps(records.install(item), [e for e in map(records.event, events) if e is not None])
    now = datetime.now(UTC)
    lines = [{"stage": p.stage.value, "took": duration(p.seconds(now)), "note": p.note} for p in passed]
    click.echo(table(lines, (field("stage"), field("took", right=True), field("note", "LAST SEEN"))))


@install.command()
@click.argument("name", nargs=-1, required=True, metavar="NAME…", shell_complete=installs)
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Give up waiting after this.")
@output_option
def wait(name: tuple[str, ...], timeout: float | None, output: Format) -> None:
    """Follow installations to their end; exit code 1 when one fails."""
    from provisioner.cli.finish import all_installed
    from provisioner.cli.watch import until_installed

    api = connect()
    found = [api.get("installs", one) for word in name for one in expand(word, 1)]
    if len(found) > 1:
        ended, failed = all_installed(api, [one["guest"] for one in found], timeout=timeout)
        if output != "table":
            document(ended, output)
        if failed:
            raise Unavailable(f"{failed} of {len(ended)} guests were not installed")
        if output == "table":
            click.echo(f"{len(ended)} guests: installed")
        return
    one = until_installed(api, found[0]["id"], timeout=timeout)
    if output != "table":
        document(api.get("installs", one.id), output)
    else:
        click.echo(f"{one.guest}: installed")


@install.command()
@ref_argument
@output_option
def why(name: str, output: Format) -> None:
    """Say why an installation stopped, from what that is told, and what mends it."""
    found: Any = connect().get("installs", name, "why")
    if output != "table":
        document(found, output)
        return
    click.echo(fill(found["paragraph"], min(get_terminal_size().columns, _READABLE), break_on_hyphens=False))
    click.echo()
    if found["evidence"]:
        columns = (
            Column("AT", lambda e: clock(e["at"])),
            field("source"),
            Column("EVIDENCE", lambda e: f"{e['kind']}: {e.get('text') or ''}".rstrip(": ")),
        )
        click.echo(table(found["evidence"], columns))
        click.echo()
    ways = {"log": "", "serial": " --serial", "screen": " --screen FILE"}
    kept = "; ".join(
        f"{piece}: provisioner install log {name}{ways[piece]}" for piece in found.get("kept", ())
    )
    fields = [
        ("diagnosis", found["diagnosis"]),
        ("stage", found["stage"]),
        ("remedy", found["remedy"]),
        ("kept", kept),
    ]
    pairs(found, fields, output)


@install.command()
@ref_argument
@click.option("--serial", is_flag=True, help="The end of its serial line instead.")
@click.option(
    "--screen",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write its screen as it failed there, as PNG.",
)
def log(name: str, serial: bool, screen: str | None) -> None:
    """Print the installer's log, as its failure report brought it or as it was sent while it ran."""
    from pathlib import Path

    api = connect()
    item = api.get("installs", name)
    if screen is not None:
        Path(screen).write_bytes(api.data("installs", item["id"], "screen.png"))
        remark(f"{item['guest']}: its screen is in {screen}")
    if serial or screen is None:
        click.echo(api.text("installs", item["id"], "serial" if serial else "log"), nl=False)


@install.command()
@ref_argument
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def cancel(name: str, yes: bool) -> None:
    """Cancel an installation; the guest and its disk stay."""
    from provisioner.cli.confirm import confirm

    api = connect()
    item = api.get("installs", name)
    if sys.stdin.isatty():
        confirm(
            f"This ends the installation {item['id']} of {item['guest']} ({item['stage']}).",
            "Cancel it?",
            yes=yes,
        )
    api.post("installs", item["id"], "cancel")
    remark(f"{item['guest']}: installation cancelled")
