"""`provisioner image …`: packed root file systems for the mini installer."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import images
from provisioner.cli.output import Column, Format, field, output_option, pairs, remark, rows, size
from provisioner.core.errors import Unavailable


@click.group()
def image() -> None:
    """Packed root file systems for the mini installer."""


@image.command()
@click.argument("name")
@click.option(
    "--tune",
    type=click.Choice(["emulation"]),
    help="Leave out what is slow where KVM is missing; not for production.",
)
@click.option("--mirror", default="", metavar="URL", help="Package source; the host's own by default.")
@click.option("-v", "--verbose", is_flag=True, help="Print every line of the build on stderr.")
@output_option
def build(name: str, tune: str | None, mirror: str, verbose: bool, output: Format) -> None:
    """Build an image: debian12, or tiny for tests."""
    built = run(connect(), name, tune=tune is not None, mirror=mirror, verbose=verbose)
    _print(built, output)


def run(api: Api, name: str, *, tune: bool, mirror: str = "", verbose: bool = False) -> dict[str, Any]:
    """Has the service build an image and returns it. Raises Unavailable with what the build said."""
    body: dict[str, Any] = {"name": name, "tune": tune, "mirror": mirror}
    with _progress(f"building {name}", verbose=verbose) as say:
        for item in api.progress("images", body=body):
            if "image" in item:
                return dict(item["image"])
            say(str(item.get("line", "")))
    raise Unavailable(f"the build of image {name} ended without a result", remedy="see the service's log")


@contextmanager
def _progress(title: str, *, verbose: bool) -> Iterator[Any]:
    """A spinner with the last line on a terminal; every line where asked for; else silence."""
    if verbose:
        yield lambda line: click.echo(line, err=True)
    elif not sys.stderr.isatty():
        yield lambda line: None
    else:
        from rich.console import Console

        console = Console(stderr=True, highlight=False)
        with console.status(title, spinner="dots") as status:
            room = max(20, console.width - len(title) - 6)
            yield lambda line: status.update(f"{title}  [dim]{_plain(line)[:room]}[/dim]")


def _plain(line: str) -> str:
    return line.replace("[", "(").replace("]", ")").strip()


@image.command("list")
@output_option
def list_images(output: Format) -> None:
    """List images."""
    columns = (
        field("name"),
        Column("SIZE", lambda i: size(i["size"]), right=True),
        Column("ON DISK", lambda i: size(i["unpacked"]), right=True),
        Column("TUNED", lambda i: "emulation" if i.get("tuned") else "no"),
        Column("SHA256", lambda i: i["sha256"][:12]),
        field("summary"),
    )
    empty = "no images; build one with: provisioner image build debian12"
    rows(connect().get("images"), columns, output, empty=empty)


@image.command()
@click.argument("name", shell_complete=images)
def remove(name: str) -> None:
    """Remove an image and its file; guests installed from it stay."""
    connect().delete("images", name)
    remark(f"image {name} is removed")


def _print(item: dict[str, Any], output: Format) -> None:
    fields = [
        ("name", item["name"]),
        ("file", item["file"]),
        ("size", size(item["size"])),
        ("on disk", size(item["unpacked"])),
        ("sha256", item["sha256"]),
        ("tuned", "emulation" if item.get("tuned") else ""),
        ("summary", item.get("summary")),
    ]
    pairs(item, fields, output)
