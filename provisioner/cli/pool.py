"""`provisioner pool …`: the host's storage pools."""

from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import hosts, pools
from provisioner.cli.confirm import confirm
from provisioner.cli.output import Column, Format, field, output_option, pairs, remark, rows, size

connect_option = click.option(
    "-c",
    "--connect",
    "uri",
    default="",
    metavar="URI",
    shell_complete=hosts,
    help="libvirt host; the configured one by default.",
)


def on(uri: str) -> dict[str, str]:
    """The query that names a host."""
    return {"connect": uri} if uri else {}


@click.group()
def pool() -> None:
    """The host's storage pools."""


@pool.command("list")
@connect_option
@output_option
def list_pools(uri: str, output: Format) -> None:
    """List libvirt's storage pools."""
    columns = (
        field("name"),
        field("kind"),
        field("active"),
        field("autostart"),
        Column("CAPACITY", lambda p: size(p["capacity"]), right=True),
        Column("FREE", lambda p: size(p["available"]), right=True),
        field("path"),
    )
    empty = "libvirt has no storage pools; make one with: provisioner pool create NAME --path DIRECTORY"
    rows(connect().get("pools", **on(uri)), columns, output, empty=empty)


@pool.command()
@click.argument("name", shell_complete=pools)
@connect_option
@output_option
def show(name: str, uri: str, output: Format) -> None:
    """Show a pool: where it is, and how full."""
    _print(connect().get("pools", name, **on(uri)), output)


@pool.command()
@click.argument("name")
@click.option(
    "--type", "kind", type=click.Choice(["dir", "logical", "netfs"]), default="dir", show_default=True
)
@click.option(
    "--path", default="", metavar="DIRECTORY", help="Where a dir or netfs pool is; made if missing."
)
@click.option(
    "--source", default="", help="Volume group of a logical pool, exported directory of a netfs pool."
)
@click.option("--host", default="", help="Server of a netfs pool.")
@click.option("--no-autostart", is_flag=True, help="Do not start it with its host.")
@connect_option
@output_option
def create(
    name: str, kind: str, path: str, source: str, host: str, no_autostart: bool, uri: str, output: Format
) -> None:
    """Make a pool and start it. A logical pool takes a volume group that exists."""
    body = {"name": name, "kind": kind, "path": path, "source": source, "host": host}
    body = {key: value for key, value in body.items() if value}
    if no_autostart:
        body["autostart"] = False  # type: ignore[assignment]
    _print(connect().post("pools", body=body, **on(uri)), output)


@pool.command()
@click.argument("name", shell_complete=pools)
@connect_option
def start(name: str, uri: str) -> None:
    """Start a pool."""
    connect().post("pools", name, "start", **on(uri))
    remark(f"pool {name} is active")


@pool.command()
@click.argument("name", shell_complete=pools)
@click.option("--delete-files", is_flag=True, help="Delete its volumes too. Without it all files stay.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@connect_option
def delete(name: str, delete_files: bool, yes: bool, uri: str) -> None:
    """Forget a pool; its files stay unless --delete-files is given."""
    api = connect()
    there = api.get("pools", name, **on(uri))
    if delete_files:
        volumes = api.get("pools", name, "volumes", **on(uri))
        names = ", ".join(volume["name"] for volume in volumes[:10]) or "none"
        more = f" and {len(volumes) - 10} more" if len(volumes) > 10 else ""
        what = (
            f"Pool {name} at {there['path']} and its {len(volumes)} volumes will be deleted: {names}{more}."
        )
        confirm(what, "Delete them?", yes=yes)
    else:
        confirm(f"Pool {name} at {there['path']} will be forgotten; its files stay.", "Forget it?", yes=yes)
    gone: Any = api.delete("pools", name, **on(uri), **({"delete_files": "1"} if delete_files else {}))
    remark(str(gone.get("done", "")))


def _print(item: dict[str, Any], output: Format) -> None:
    fields = [
        ("name", item["name"]),
        ("type", item.get("kind")),
        ("active", item["active"]),
        ("autostart", item["autostart"]),
        ("path", item["path"]),
        ("source", item.get("source")),
        ("capacity", size(item["capacity"])),
        ("used", size(item["allocation"])),
        ("free", size(item["available"])),
    ]
    pairs(item, fields, output)
