"""`provisioner network …`: the host's networks, made and removed; its check stands in `network_check`."""

from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import hosts, networks
from provisioner.cli.confirm import confirm
from provisioner.cli.network_check import check, snippet
from provisioner.cli.output import Column, Format, field, output_option, pairs, remark, rows
from provisioner.core.network import MODES

name_argument = click.argument("name", shell_complete=networks)
connect_option = click.option(
    "--connect", "uri", metavar="URI", shell_complete=hosts, help="Another libvirt host."
)
force_option = click.option("--force", is_flag=True, help="Also where running guests lose their link.")
_MODES: dict[str, str] = {mode: mode for mode in MODES} | {"routed": "route"}


@click.group()
def network() -> None:
    """The host's networks, and whether guests can netboot there."""


network.add_command(check)
network.add_command(snippet)


@network.command("list")
@connect_option
@output_option
def list_networks(uri: str | None, output: Format) -> None:
    """List libvirt's networks, as virsh net-list --all does, and what they are."""
    columns = (
        field("name"),
        Column("STATE", lambda n: "active" if n["active"] else "inactive"),
        field("autostart"),
        field("persistent"),
        field("mode"),
        Column("BRIDGE", lambda n: n.get("bridge") or n.get("parents")),
        field("addresses"),
        Column("DHCP", lambda n: n.get("ranges") or n.get("dhcp")),
        field("ours"),
    )
    empty = "libvirt has no networks; see: provisioner doctor"
    rows(connect().get("networks", **_host(uri)), columns, output, empty=empty)


@network.command()
@name_argument
@connect_option
@output_option
def show(name: str, uri: str | None, output: Format) -> None:
    """Show a network, as virsh net-info does, with its addresses and leases."""
    item = connect().get("networks", name, **_host(uri))
    fields = ("name", "uuid", "active", "persistent", "autostart", "bridge", "mode", "parents", "addresses")
    shown: list[tuple[str, object]] = [(key, item.get(key)) for key in fields]
    shown += [
        ("dhcp", item["ranges"] or item["dhcp"]),
        ("hosts", "\n".join(item["reserved"])),
        ("leases", "\n".join(item["leases"])),
        ("boot file", item["bootp"]),
        ("ours", item["ours"]),
    ]
    pairs(item, shown, output)


@network.command()
@click.argument("name")
@click.option(
    "--mode",
    type=click.Choice(sorted(_MODES)),
    default="nat",
    show_default=True,
    help="How its guests reach the world; macvtap: through a card of the host.",
)
@click.option("--subnet", metavar="ADDRESS/PREFIX", help="The guests' own; its first address is the host's.")
@click.option("--bridge", metavar="NAME", help="Its bridge; of mode bridge, the host's own one.")
@click.option(
    "--parent", "parents", multiple=True, metavar="DEVICE", help="The host's card; may be repeated."
)
@click.option("--dhcp-range", metavar="FIRST,LAST", help="What is lent.  [default: all that is free]")
@click.option(
    "--dhcp-host",
    "dhcp_hosts",
    multiple=True,
    metavar="MAC,IP[,NAME]",
    help="One guest's address; may be repeated.",
)
@click.option("--no-dhcp", is_flag=True, help="It gives no addresses.")
@click.option("--autostart", is_flag=True, help="Start it with the host.")
@click.option("--dry-run", is_flag=True, help="Print its XML; change nothing.")
@connect_option
@output_option
def create(name: str, *, uri: str | None, dry_run: bool, output: Format, **options: Any) -> None:
    """Make and start network NAME, once its addresses are known to be free.

    \b
    provisioner network create lab --subnet 192.168.90.0/24
    provisioner network create lan --mode bridge --bridge br0
    provisioner network create tap --mode macvtap --parent eth0
    """
    api, wanted = connect(), body(name, options)
    if dry_run:
        click.echo(api.post("networks", body=wanted, dry_run="1", **_host(uri))["xml"].rstrip("\n"))
        return
    made = api.post("networks", body=wanted, **_host(uri))
    where = made.get("bridge") or ", ".join(made.get("parents", ()))
    remark(f"network {name} is active on {where}")
    if output != "table":
        pairs(made, [], output)


def body(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The request of these options; what is not given is left out."""
    wanted: dict[str, Any] = {"name": name, "mode": _MODES[options["mode"]]}
    for key in ("subnet", "bridge", "dhcp_range"):
        if options[key]:
            wanted[key] = options[key]
    for key in ("parents", "dhcp_hosts"):
        if options[key]:
            wanted[key] = list(options[key])
    if options["no_dhcp"]:
        wanted["dhcp"] = False
    if options["autostart"]:
        wanted["autostart"] = True
    return wanted


@network.command()
@name_argument
@connect_option
def start(name: str, uri: str | None) -> None:
    """Start a network."""
    remark(connect().post("networks", name, "start", **_host(uri))["done"])


@network.command()
@name_argument
@force_option
@connect_option
def stop(name: str, uri: str | None, force: bool) -> None:
    """Stop a network; one with running guests only with --force."""
    remark(connect().post("networks", name, "stop", **_flags(force=force), **_host(uri))["done"])


@network.command()
@name_argument
@click.option("--disable", is_flag=True, help="No longer start it with the host.")
@connect_option
def autostart(name: str, uri: str | None, disable: bool) -> None:
    """Start a network whenever the host starts."""
    answer = connect().put("networks", name, "autostart", body={"on": not disable}, **_host(uri))
    remark(answer["done"])


@network.command()
@name_argument
@connect_option
def xml(name: str, uri: str | None) -> None:
    """Print a network's XML as libvirt keeps it."""
    click.echo(connect().text("networks", name, "xml", **_host(uri)).rstrip("\n"))


@network.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--foreign", is_flag=True, help="Also one that was not made by this service.")
@force_option
@connect_option
def delete(name: str, uri: str | None, yes: bool, foreign: bool, force: bool) -> None:
    """Stop and remove a network; one that is not ours only with --foreign."""
    api = connect()
    item = api.get("networks", name, **_host(uri))
    whose = "" if item["ours"] else ", which this service did not make,"
    confirm(f"Network {name}{whose} is stopped and removed.", "Go on?", yes=yes)
    flags = _flags(foreign=foreign, force=force)
    remark(api.delete("networks", name, **flags, **_host(uri))["done"])


def _host(uri: str | None) -> dict[str, str]:
    return {"connect": uri} if uri else {}


def _flags(**given: bool) -> dict[str, str]:
    return {name: "1" for name, on in given.items() if on}
