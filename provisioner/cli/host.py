"""`provisioner network …` and `provisioner pool …`: what the host offers."""

import click

from provisioner.cli.api import connect
from provisioner.cli.output import Column, Format, field, output_option, rows, size


@click.group()
def network() -> None:
    """The host's networks and whether guests can netboot there."""


@network.command("list")
@output_option
def list_networks(output: Format) -> None:
    """List libvirt's networks."""
    columns = (
        field("name"),
        field("mode"),
        field("active"),
        field("autostart"),
        Column("BRIDGE", lambda n: n.get("bridge") or n.get("parents")),
        field("addresses"),
        field("dhcp"),
        Column("BOOTP", lambda n: n.get("bootp")),
    )
    empty = "libvirt has no networks; see: provisioner doctor"
    rows(connect().get("networks"), columns, output, empty=empty)


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
