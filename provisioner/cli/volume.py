"""`provisioner volume …`: the volumes of a pool, filled and fetched wherever the host is."""

from pathlib import Path
from typing import Any

import click

from provisioner.cli.amount import Size
from provisioner.cli.api import connect
from provisioner.cli.complete import pools, volumes
from provisioner.cli.confirm import confirm
from provisioner.cli.output import Column, Format, field, output_option, pairs, remark, rows, size
from provisioner.cli.pool import connect_option, on

_pool = click.argument("pool", shell_complete=pools)
_name = click.argument("name", shell_complete=volumes)


@click.group()
def volume() -> None:
    """The volumes of a pool."""


@volume.command("list")
@_pool
@connect_option
@output_option
def list_volumes(pool: str, uri: str, output: Format) -> None:
    """List a pool's volumes."""
    columns = (
        field("name"),
        field("format"),
        Column("CAPACITY", lambda v: size(v["capacity"]), right=True),
        Column("ON DISK", lambda v: size(v["allocation"]), right=True),
        Column("BACKING", lambda v: v.get("backing")),
        field("path"),
    )
    found = connect().get("pools", pool, "volumes", **on(uri))
    rows(found, columns, output, empty=f"pool {pool} has no volumes")


@volume.command()
@_pool
@_name
@connect_option
@output_option
def show(pool: str, name: str, uri: str, output: Format) -> None:
    """Show a volume."""
    _print(connect().get("pools", pool, "volumes", name, **on(uri)), output)


@volume.command()
@_pool
@click.argument("name")
@click.argument("capacity", required=False, type=Size())
@click.option("--format", "form", type=click.Choice(["qcow2", "raw"]), default="qcow2", show_default=True)
@click.option("--backing", default="", metavar="VOLUME", help="Make an overlay on this volume of the pool.")
@click.option("--clone", default="", metavar="VOLUME", help="Make a full copy of this volume of the pool.")
@connect_option
@output_option
def create(
    pool: str,
    name: str,
    capacity: int | None,
    form: str,
    backing: str,
    clone: str,
    uri: str,
    output: Format,
) -> None:
    """Make a volume of CAPACITY (as 4G, 512M), an overlay or a clone of another."""
    body: dict[str, Any] = {"name": name, "format": form}
    if capacity is not None:
        body["capacity"] = capacity
    elif not (backing or clone):
        raise click.UsageError("CAPACITY is missing; only an overlay or a clone goes without")
    body |= {key: value for key, value in (("backing", backing), ("clone", clone)) if value}
    _print(connect().post("pools", pool, "volumes", body=body, **on(uri)), output)


@volume.command()
@_pool
@_name
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Write into a raw volume that is there already.")
@connect_option
@output_option
def upload(pool: str, name: str, file: Path, overwrite: bool, uri: str, output: Format) -> None:
    """Make a volume of a file, also on a host that shares no disk with this one."""
    from provisioner.cli.progress import sending

    with sending(file, f"{file.name} to {pool}/{name}") as body:
        query = on(uri) | ({"overwrite": "1"} if overwrite else {})
        made = connect().upload("pools", pool, "volumes", name, "content", body=body, **query)
    _print(made, output)


@volume.command()
@_pool
@_name
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@connect_option
def download(pool: str, name: str, file: Path, force: bool, uri: str) -> None:
    """Write what is in a volume to FILE, its zeros as holes."""
    from provisioner.cli.progress import receiving

    if file.exists() and not force:
        raise click.UsageError(f"{file} exists; --force replaces it")
    total, chunks = connect().download("pools", pool, "volumes", name, "content", **on(uri))
    receiving(file, total, chunks, f"{pool}/{name} to {file.name}")
    remark(f"{file} has {size(total)}")


@volume.command()
@_pool
@_name
@click.argument("capacity", type=Size())
@connect_option
@output_option
def resize(pool: str, name: str, capacity: int, uri: str, output: Format) -> None:
    """Make a volume larger, to CAPACITY (as 20G). It never becomes smaller."""
    body = {"capacity": capacity}
    _print(connect().put("pools", pool, "volumes", name, "size", body=body, **on(uri)), output)


@volume.command()
@_pool
@_name
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@connect_option
def delete(pool: str, name: str, yes: bool, uri: str) -> None:
    """Delete a volume that no guest and no overlay uses."""
    api = connect()
    there = api.get("pools", pool, "volumes", name, **on(uri))
    confirm(
        f"Volume {name} of pool {pool} ({size(there['allocation'])} on disk) will be deleted.",
        "Delete it?",
        yes=yes,
    )
    api.delete("pools", pool, "volumes", name, **on(uri))
    remark(f"volume {name} is deleted")


def _print(item: dict[str, Any], output: Format) -> None:
    fields = [
        ("name", item["name"]),
        ("pool", item["pool"]),
        ("format", item["format"]),
        ("capacity", size(item["capacity"])),
        ("on disk", size(item["allocation"])),
        ("backing", item.get("backing")),
        ("path", item["path"]),
    ]
    pairs(item, fields, output)
