"""`provisioner media …`: ISO and disk images that guests are installed from."""

from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import machines
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
@click.option(
    "--guest", "machine", required=True, metavar="NAME", shell_complete=machines, help="Who is to boot it."
)
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="FILE.iso for a CD, FILE.img for a USB stick or disk.",
)
@click.option("--address", default="", help="Ours, as NAME reaches it; by default the one that is known.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
def build(machine: str, out: Path, address: str, force: bool) -> None:
    """Make a boot medium for a guest or machine whose firmware does not netboot.

    It starts iPXE by BIOS and by UEFI, which then goes on as netboot does. There is no secret on it.
    """
    from provisioner.cli.progress import receiving

    form = {".iso": "iso", ".img": "img"}.get(out.suffix.lower())
    if form is None:
        raise click.BadParameter("the name must end in .iso or .img", param_hint="--out")
    if out.exists() and not force:
        raise click.UsageError(f"{out} exists; --force replaces it")
    total, chunks = connect().download("machines", machine, "medium", format=form, address=address)
    receiving(out, total, chunks, f"medium of {machine} to {out.name}")
    remark(f"{out} has {size(total)}")


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
