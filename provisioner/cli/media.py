"""`provisioner media …`: ISO and disk images that guests are installed from."""

from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import media as names
from provisioner.cli.output import Column, Format, field, output_option, pairs, remark, rows, size


@click.group()
def media() -> None:
    """ISO and disk images that guests are installed from."""


@media.command("list")
@output_option
def list_media(output: Format) -> None:
    """List the files in the media folders that a guest can be installed from."""
    columns = (
        field("name"),
        field("kind"),
        Column("FORMAT", lambda m: ".".join(filter(None, (m.get("format"), m.get("packed"))))),
        Column("SIZE", lambda m: size(m["size"]), right=True),
        Column("DISK", lambda m: size(m["virtual_size"]) if m.get("virtual_size") else "", right=True),
        field("tree"),
        field("note"),
    )
    empty = "no media; add one with: provisioner media add FILE"
    rows(connect().get("media"), columns, output, empty=empty)


@media.command()
@click.argument("name", shell_complete=names)
@output_option
def show(name: str, output: Format) -> None:
    """Show what a medium is."""
    _print(connect().get("media", name), output)


@media.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="Its name in the store; the file's own by default.")
@output_option
def add(file: Path, name: str, output: Format) -> None:
    """Copy FILE into the store, after looking at what it is."""
    from provisioner.cli.progress import sending

    with sending(file, f"adding {file.name}") as body:
        added = connect().upload("media", name or file.name, body=body)
    _print(added, output)


@media.command()
@click.argument("name", shell_complete=names)
def remove(name: str) -> None:
    """Remove a medium that was added."""
    connect().delete("media", name)
    remark(f"medium {name} is removed")


def _print(item: dict[str, Any], output: Format) -> None:
    fields = [
        ("name", item["name"]),
        ("path", item["path"]),
        ("kind", item["kind"]),
        ("format", item.get("format")),
        ("packed", item.get("packed")),
        ("size", size(item["size"])),
        ("disk", size(item["virtual_size"]) if item.get("virtual_size") else ""),
        ("tree", item.get("tree")),
        ("note", item.get("note")),
    ]
    pairs(item, fields, output)
