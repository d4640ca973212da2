"""`provisioner network …`: what the host offers."""

import click

from provisioner.cli.api import connect
from provisioner.cli.output import Column, Format, field, output_option, rows


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
