"""`provisioner mirror verify` and `repair`: every kept file read from its first byte to its last."""

import sys
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import trees
from provisioner.cli.errors import Told
from provisioner.cli.output import Format, document, output_option, size
from provisioner.core.errors import Unavailable


@click.command()
@click.argument("tree", default="", shell_complete=trees)
@click.option("--unverified", is_flag=True, help="Also name the files that nothing vouches for.")
@output_option
def verify(tree: str, unverified: bool, output: Format) -> None:
    """Read every file that is kept of TREE, or of all, and tell which are broken.

    Sound is what the tree's metadata vouches for; unverified what is as it was kept, but has nothing that
    vouches for it. Exits with 1 where a file is broken; `provisioner mirror repair` fetches it again.
    """
    files, total = _read({"tree": tree}, every=unverified, output=output)
    if output != "table":
        document({**total, "broken_files": files}, output)
    else:
        click.echo(_sum(total))
    if total["broken"]:
        raise Told


@click.command()
@click.argument("tree", default="", shell_complete=trees)
@output_option
def repair(tree: str, output: Format) -> None:
    """Drop what is broken of TREE, or of all, and fetch it again.

    Exits with 1 where a file could not be had; a guest that asks for it has it fetched then.
    """
    files, total = _read({"tree": tree, "repair": True}, every=False, output=output)
    if output != "table":
        document({**total, "broken_files": files}, output)
    else:
        lost = f", {total['lost']} dropped and not to be had now" if total["lost"] else ""
        click.echo(f"{_sum(total)}; {total['mended']} fetched again{lost}")
    if total["lost"]:
        raise Told


def _read(
    body: dict[str, Any], *, every: bool, output: Format
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Broken files and the sum. As a table each file is printed when it is found. Raises Unavailable."""
    broken: list[dict[str, Any]] = []
    terminal = sys.stderr.isatty()
    for item in connect().progress("mirror", "verify", body=body):
        if terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
        if "verified" in item:
            return broken, dict(item["verified"])
        if "file" in item:
            file = item["file"]
            if file["verdict"] == "broken":
                broken.append(file)
            if output == "table" and (every or file["verdict"] == "broken"):
                reason = f": {file['reason']}" if file["reason"] else ""
                click.echo(f"{file['verdict']}  {_name(file)}{reason}")
        elif "read" in item and terminal:
            read = item["read"]
            click.echo(f"{read['files']} files read, {size(read['size'])}", nl=False, err=True)
    raise Unavailable("the check ended without a result", remedy="see the service's log")


def _name(file: dict[str, Any]) -> str:
    return f"{file['source']}/{file['path']}" if file["source"] else str(file["path"])


def _sum(total: dict[str, Any]) -> str:
    return (
        f"{total['files']} files read, {size(total['size'])}: {total['sound']} sound, "
        f"{total['unverified']} unverified, {total['broken']} broken"
    )
