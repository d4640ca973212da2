"""`provisioner pool …`: what the host offers."""

import click

from provisioner.cli.api import connect
from provisioner.cli.output import Column, Format, field, output_option, rows, size


@click.group()
def pool() -> None:
    """The host's storage pools."""


@pool.command("list")
@output_option
def list_pools(output: Format) -> None:
    """List libvirt's storage pools."""
    columns = (
        field("name"),
        field("active"),
        field("autostart"),
        Column("CAPACITY", lambda p: size(p["capacity"]), right=True),
        Column("FREE", lambda p: size(p["available"]), right=True),
        field("path"),
    )
    empty = "libvirt has no storage pools; see: provisioner doctor"
    rows(connect().get("pools"), columns, output, empty=empty)
