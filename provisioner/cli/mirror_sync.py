"""`provisioner mirror sync`: planned first, then fetched; what is there already stays as it is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import profiles, trees
from provisioner.cli.confirm import confirm
from provisioner.cli.errors import Told
from provisioner.cli.output import Format, document, output_option, remark, size
from provisioner.core.errors import Unavailable

_SHOWN = 8


class Tell(Protocol):
    def __call__(self, now: dict[str, Any]) -> None: ...


@click.command()
@click.argument("tree", shell_complete=trees)
@click.option(
    "--packages-of",
    "profile",
    default="",
    metavar="PROFILE",
    shell_complete=profiles,
    help="Also the packages that PROFILE installs, with what they need.",
)
@click.option("--full", is_flag=True, help="Every file that the tree's metadata names.")
@click.option("--dry-run", is_flag=True, help="Print the plan and fetch nothing of it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait",
    type=click.Choice(["progress", "none"]),
    default="progress",
    show_default=True,
    help="Tell how it goes until it is over, or let the service go on by itself.",
)
@output_option
def sync(tree: str, profile: str, full: bool, dry_run: bool, yes: bool, wait: str, output: Format) -> None:
    """Fetch TREE before anybody asks for it.

    By itself it fetches what an installer reads before its packages: kernel, initrd, the installer's own
    system and the lists of packages. What is kept already is not fetched again, so that a sync which was
    broken off goes on where it was.
    """
    if full and profile:
        raise click.UsageError("--full has the packages of every profile: say one of the two")
    api, body = connect(), {"full": full, "profile": profile}
    plan = api.patient("mirror", tree, "plan", body=body)
    if dry_run:
        if output != "table":
            document(plan, output)
        else:
            click.echo("\n".join(sentences(plan)))
        return
    if plan["files"] and not yes:
        confirm("\n".join(sentences(plan)), "Fetch it?", yes=yes)
    done = _followed(api, tree, {**body, "wait": wait == "progress"})
    if done is None:
        remark(f"tree {tree} is being synced: provisioner mirror status {tree}")
        return
    if output != "table":
        document(done, output)
    else:
        kept = plan["kept"]
        click.echo(
            f"tree {tree}: {done['files']} files fetched, {size(done['size'])}; {kept} were there"
            + (f"; {done['failed']} could not be had" if done["failed"] else "")
        )
    if done["failed"]:
        raise Told


@click.command()
@click.argument("tree", shell_complete=trees)
def stop(tree: str) -> None:
    """Stop a sync of TREE; what it fetched is kept."""
    remark(str(connect().delete("mirror", tree, "sync")["done"]))


def sentences(plan: dict[str, Any]) -> Iterator[str]:
    """The plan in words: files, bytes, time; what has no package."""
    amount = size(plan["size"]) + (f" and {plan['unsized']} files of unknown size" if plan["unsized"] else "")
    yield f"Sync of tree {plan['tree']}: {plan['files']} files, {amount}"
    yield f"  there already  {plan['kept']} of {plan['total_files']} files"
    yield f"  time           {duration(plan['seconds'])}"
    if missing := plan["unresolved"]:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        yield f"  not found      {', '.join(missing[:_SHOWN])}{more}: no package of the tree is called so"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "not known, nothing was fetched from there yet"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 120 else f"about {minutes / 60:.1f} h"


def _followed(api: Api, tree: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The end of it, None for one that goes on by itself. Raises Unavailable."""
    planned = False
    with _progress(tree) as tell:
        for item in api.progress("mirror", tree, "sync", body=body):
            if "synced" in item:
                return dict(item["synced"])
            if "plan" in item:
                planned = True
            elif "progress" in item:
                tell(item["progress"])
    if planned and not body["wait"]:
        return None
    raise Unavailable(f"the sync of tree {tree} ended without a result", remedy="see the service's log")


@contextmanager
def _progress(tree: str) -> Iterator[Tell]:
    """One line on a terminal, and one for each problem; elsewhere the problems alone."""
    terminal, began = sys.stderr.isatty(), time.monotonic()

    def tell(now: dict[str, Any]) -> None:
        clear = "\r\x1b[K" if terminal else ""
        if now["problem"]:
            click.echo(f"{clear}{now['path'] or tree}: {now['problem']}", err=True)
        elif terminal:
            took = time.monotonic() - began
            percent = 100 * now["files"] // now["of_files"] if now["of_files"] else 100
            speed = size(now["size"] / took) if took > 0 else size(0)
            line = f"{tree}: {percent} %  {now['files']} of {now['of_files']} files  {size(now['size'])}"
            click.echo(f"{clear}{line} of {size(now['of_size'])}  {speed}/s", nl=False, err=True)

    try:
        yield tell
    finally:
        if terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
