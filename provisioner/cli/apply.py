"""`provisioner apply`: a lab made as its file says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.confirm import confirm
from provisioner.cli.errors import Told, say
from provisioner.cli.lab_file import (
    WAITING,
    called,
    file_argument,
    left_alone,
    lines,
    lost,
    params,
    prune_option,
    text_of,
)
from provisioner.cli.output import Format, document, output_option
from provisioner.core.errors import Unavailable

_WORDS = {"add": "added", "change": "changed", "replace": "made anew", "remove": "removed"}
_SHOWN = 8


@click.command()
@file_argument
@prune_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask before disks are lost.")
@click.option("--wait", is_flag=True, help="Follow all installations to their end.")
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="Let so many of them install at a time.")
@click.option("--detailed-exit-code", is_flag=True, help="Exit code 3, not 0, where something was changed.")
@output_option
def apply(
    file: Path,
    at_once: int | None,
    *,
    prune: bool,
    yes: bool,
    wait: bool,
    detailed_exit_code: bool,
    output: Format,
) -> int:
    """Make what FILE asks for, and change what is other; what is right already is left alone.

    What would lose a disk is asked about first. It may be interrupted at any time: applied again, it goes on.
    FILE may be - for stdin.

    Exit code 0: done, whether or not anything was to do (with --detailed-exit-code 3 where something was);
    1: something failed or was left, and is told; 2: a wrong command line.
    """
    api, text = connect(), text_of(file)
    if not yes:
        _ask(api.hand("lab", "plan", text=text, **params(file, prune=prune)))
    asked = params(file, prune=prune, replace=True) | ({"at_once": str(at_once)} if at_once else {})
    plan, ended = _applied(api, text, asked, output)
    failed = _failed(ended)
    installed: list[Any] = []
    if wait:
        from provisioner.cli.follow import follow_all

        installed = follow_all(api, [one["name"] for one in plan["changes"] if _may_install(one)])
        if any(one["result"] == "left" for one in failed) and not _broken(installed):
            _, more = _applied(api, text, asked, output)  # clones of what is installed by now
            ended, failed = [*ended, *more], _failed(more)
            names = [one["name"] for one in more if one["kind"] == "guest" and one["result"] == "done"]
            installed = [*installed, *follow_all(api, names)]
    changed = sum(one["result"] == "done" for one in ended)
    if output != "table":
        document({"plan": plan, "ended": ended, "installed": installed}, output)
    elif not changed and not failed:
        click.echo(f"nothing to do: {left_alone(plan['counts'])}")
    else:
        click.echo(f"lab {plan['lab']}: {changed} done, {len(failed)} not")
    broken = _broken(installed)
    for one in broken:
        _why(api, one)
    if broken or failed:
        raise Told
    return WAITING if changed and detailed_exit_code else 0


def _ask(plan: Mapping[str, Any]) -> None:
    """Shows what is lost and asks. Raises Abort or Invalid."""
    gone = lost(plan)
    if not gone:
        return
    names = ", ".join(_named(one) for one in gone[:_SHOWN]) + (" …" if len(gone) > _SHOWN else "")
    confirm(
        f"This removes or makes anew: {names}.",
        "Go on?",
        yes=False,
        details="\n".join(lines(plan)),
    )


def _named(change: Mapping[str, Any]) -> str:
    return called(change) + (" (running)" if change["running"] else "")


def _applied(
    api: Api, text: bytes, asked: Mapping[str, str], output: Format
) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """The plan, and each change as it ended; as a table each is told at once."""
    plan: Mapping[str, Any] = {}
    ended: list[dict[str, Any]] = []
    for line in api.lines("lab", "apply", text=text, **asked):
        if "error" in line:
            raise Unavailable(line["error"], remedy=line.get("remedy") or "")
        if "plan" in line:
            plan = line["plan"]
        elif "result" in line:
            ended.append(line)
            _tell(line, output)
        else:
            break
    else:
        raise Unavailable("the service broke off its answer", remedy="apply again: it goes on where it was")
    return plan, ended


def _tell(line: Mapping[str, Any], output: Format) -> None:
    if line["result"] == "done":
        if output == "table":
            done = line["text"] or _WORDS[line["action"]]
            click.echo(f"{called(line)}: {done}")
        return
    word = "error" if line["result"] == "failed" else "left"
    say(f"{word}: {called(line)}: {line['text']}", remedy=line["remedy"])


def _failed(ended: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in ended if one["result"] != "done"]


def _may_install(change: Mapping[str, Any]) -> bool:
    """Whether an installation of it may run now or have failed."""
    return change["kind"] == "guest" and change["action"] in ("add", "replace", "keep", "change")


def _broken(installed: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in installed if one["stage"] in ("failed", "cancelled")]


def _why(api: Api, install: Mapping[str, Any]) -> None:
    from provisioner.cli.records import install as record
    from provisioner.cli.watch import failure

    error = failure(record(install), api.get("installs", str(install["id"]), "why"))
    say(f"error: {error}", remedy=error.remedy)
