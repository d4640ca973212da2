"""`provisioner lab …`: guests kept as they were installed, and had again without an installer."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import guests
from provisioner.cli.confirm import confirm
from provisioner.cli.errors import say
from provisioner.cli.names import each_named, several
from provisioner.cli.output import Column, Format, document, field, output_option, rows
from provisioner.core.errors import NotFound, Unavailable

_names = click.argument("name", nargs=-1, metavar="[NAME…]", shell_complete=guests)
_lab = click.option("--lab", default="", metavar="LAB", help="Every guest of this lab.")
_COLUMNS = (
    field("guest"),
    Column("TAKEN", lambda found: str(found["taken"])[:19].replace("T", " ")),
    field("state"),
    field("disks"),
    Column("NVRAM", lambda found: found["nvram"]),
)


@click.group()
def lab() -> None:
    """Keep guests as they were installed, and have them again in seconds."""


@lab.command()
@_names
@_lab
@click.option("--all", "everything", is_flag=True, help="Every guest that is installed.")
@click.option("--force", is_flag=True, help="Cut the power of those that run.")
@click.option("--list", "listed", is_flag=True, help="List what is kept; change nothing.")
@output_option
def snapshot(
    name: tuple[str, ...], lab: str, everything: bool, force: bool, listed: bool, output: Format
) -> None:
    """Keep guests as they are now: their disks become bases, each gets an overlay on them.

    A guest that runs is asked to switch off for it, and switched on again. A former snapshot is replaced.
    """
    api = connect()
    if listed:
        rows(api.get("snapshots"), _COLUMNS, output, empty="no snapshots; take one: provisioner lab snapshot")
        return
    if everything:
        _alone(name, lab, "--all")
        name = tuple(
            guest["name"]
            for guest in api.get("guests")
            if guest["ours"] and (guest["install"] or {}).get("stage") == "installed"
        )
        if not name:
            raise NotFound("no guest is installed", remedy="provisioner guest list")
    which = _which(name, lab)
    body = {**which, **({"force": True} if force else {})}
    _told(api, ("snapshots",), body, "snapshot", _kept, output)


@lab.command()
@_names
@_lab
@click.option("--all", "everything", is_flag=True, help="Every guest that has a snapshot.")
@click.option("--wait", is_flag=True, help="Until each answers: by ssh, or by a login prompt.")
@click.option(
    "--patience",
    type=click.FloatRange(1, 3600),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long --wait waits for one.",
)
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="So many at a time.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
def reset(
    name: tuple[str, ...],
    lab: str,
    everything: bool,
    wait: bool,
    patience: float,
    at_once: int | None,
    yes: bool,
    output: Format,
) -> None:
    """Give guests back what their snapshots hold, and start them: a rebuild in seconds, without an installer.

    Whatever they wrote since is lost.
    """
    api = connect()
    if everything:
        _alone(name, lab, "--all")
        name = tuple(found["guest"] for found in api.get("snapshots"))
        if not name:
            raise NotFound("no guest has a snapshot", remedy="provisioner lab snapshot NAME…")
    which = _which(name, lab)
    who = f"the guests of lab {lab}" if lab else _some(which["names"])
    confirm(f"Whatever {who} wrote since the snapshot is lost.", f"Reset {who}?", yes=yes)
    body = {**which, **({"wait": patience} if wait else {}), **({"at_once": at_once} if at_once else {})}
    _told(api, ("snapshots", "reset"), body, "reset", _reset, output)


@lab.command()
@click.argument("name", nargs=-1, required=True, metavar="NAME…", shell_complete=guests)
def drop(name: tuple[str, ...]) -> None:
    """Let snapshots go. The guests stay as they are, and can no longer be reset."""
    api = connect()
    each_named(several(name), lambda one: api.delete("snapshots", one), "its snapshot is let go")


def _kept(kept: Any) -> str:
    return f"{kept['guest']}: kept, {', '.join(kept['disks'])}"


def _reset(done: Any) -> str:
    told = f"{done['snapshot']['guest']}: reset in {done['seconds']:.1f} s"
    if done["answered"]:
        told += f", answered after {done['answered_seconds']:.1f} s: {done['answered']}"
    return told


def _which(name: tuple[str, ...], lab: str) -> dict[str, Any]:
    if lab:
        _alone(name, "", "--lab")
        return {"lab": lab}
    if not name:
        raise click.UsageError("no guest is named: give a NAME, --lab LAB or --all")
    return {"names": several(name)}


def _alone(name: tuple[str, ...], lab: str, option: str) -> None:
    if name or lab:
        raise click.UsageError(f"{option} stands alone: leave {'the names' if name else '--lab'} out")


def _some(names: Sequence[str]) -> str:
    return f"guest {names[0]}" if len(names) == 1 else f"{len(names)} guests"


def _told(
    api: Api,
    path: tuple[str, ...],
    body: dict[str, Any],
    key: str,
    show: Callable[[Any], str],
    output: Format,
) -> None:
    """Prints each as it is done, or all as one document.

    Raises what stood against a single one, Unavailable where it stood against some of several.
    """
    done, failed = list[Any](), list[Any]()
    for line in api.lines(*path, body=body):
        if key not in line:
            failed.append(line)
            continue
        done.append(line[key])
        if output == "table":
            click.echo(show(line[key]))
    if output != "table":
        document(done, output)
    if failed and not done and len(failed) == 1:
        raise Unavailable(failed[0]["error"], remedy=failed[0].get("remedy") or "")
    for line in failed:
        say(f"error: {line.get('name', 'the service')}: {line['error']}", remedy=line.get("remedy") or "")
    if failed:
        raise Unavailable(f"{len(failed)} of {len(failed) + len(done)} guests could not be served")
