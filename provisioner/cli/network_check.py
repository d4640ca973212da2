"""`provisioner network check` and `snippet`: whether guests somewhere can netboot, and what mends it."""

from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import hosts, networks
from provisioner.cli.errors import Told
from provisioner.cli.output import Format, document, output_option, remark
from provisioner.core.network import REPAIRS

_COLOURS = {"good": "green", "warn": "yellow", "fail": "red"}
_ANY = "any"
"""What `--repair` and `--undo` mean without a word after them."""


@click.command(short_help="Can guests there netboot, and if not, why; --repair mends it")
@click.argument("place", shell_complete=networks)
@click.option(
    "--repair",
    is_flag=False,
    flag_value=_ANY,
    type=click.Choice([_ANY, *REPAIRS]),
    metavar="[KIND]",
    help=f"Mend it: what the verdict names first, or KIND: {', '.join(REPAIRS)}.",
)
@click.option(
    "--undo",
    is_flag=False,
    flag_value=_ANY,
    type=click.Choice([_ANY, *REPAIRS]),
    metavar="[KIND]",
    help="Take our repairs back, all or the one.",
)
@click.option("--range", "lent", metavar="FIRST,LAST", help="What is lent, for --repair addresses.")
@click.option("--address", metavar="ADDRESS/PREFIX", help="The macvlan's own.  [default: by DHCP]")
@click.option("--force", is_flag=True, help="Also where running guests lose their link, or DHCP answers.")
@click.option("--quick", is_flag=True, help="Ask nobody on the segment: at once, and less sure.")
@click.option("--connect", "uri", metavar="URI", shell_complete=hosts, help="Another libvirt host.")
@output_option
def check(
    place: str,
    *,
    repair: str | None,
    undo: str | None,
    lent: str | None,
    address: str | None,
    force: bool,
    quick: bool,
    uri: str | None,
    output: Format,
) -> None:
    """Check whether a guest at PLACE can netboot; exit code 1 where it cannot.

    PLACE is a network's name, bridge=NAME or type=direct,source=DEVICE. A PXE question is asked there, as a
    guest would ask it.

    \b
    provisioner network check default --repair
    provisioner network check bridge=br9 --repair addresses --range 10.0.9.50,10.0.9.99
    provisioner network check type=direct,source=eth0 --repair macvlan
    provisioner network check default --undo
    """
    if repair and undo:
        raise click.UsageError("--repair and --undo exclude each other")
    api = connect()
    host = {"connect": uri} if uri else {}
    if undo:
        kind = {} if undo == _ANY else {"kind": undo}
        flags = {"force": "1"} if force else {}
        remark(api.delete("networks", place, "repair", **kind, **flags, **host)["done"])
        return
    if repair:
        wish: dict[str, Any] = {"range": lent, "address": address, "force": force or None}
        wish["kind"] = None if repair == _ANY else repair
        body = {key: value for key, value in wish.items() if value is not None}
        found = api.post("networks", place, "repair", body=body, **host)
    else:
        found = api.get("networks", place, "check", **({"quick": "1"} if quick else {}), **host)
    _print(found, output)
    if not found["good"]:
        raise Told


@click.command(short_help="What the site's own DHCP server needs, where proxy answers are ignored")
@click.option("--for", "server", type=click.Choice(["dnsmasq", "isc", "kea"]), required=True)
@click.option("--network", metavar="PLACE", help="A network, bridge=NAME or type=direct,source=DEVICE.")
@click.option("--connect", "uri", metavar="URI", shell_complete=hosts, help="Another libvirt host.")
def snippet(server: str, network: str | None, uri: str | None) -> None:
    """Print the configuration with which another DHCP server names our boot files.

    Needed only where firmware takes no answer of a ProxyDHCP.
    """
    given = {"network": network, "connect": uri}
    words = {key: value for key, value in given.items() if value}
    click.echo(connect().text("snippets", server, **words).rstrip("\n"))


def _print(found: dict[str, Any], output: Format) -> None:
    if output != "table":
        document(found, output)
        return
    for done in found["done"]:
        remark(f"repaired: {done}")
    for verdict in found["verdicts"]:
        word = click.style(verdict["severity"].upper().ljust(4), fg=_COLOURS[verdict["severity"]])
        click.echo(f"{word}  {verdict['sentence']}")
        if verdict["remedy"]:
            click.echo(f"      {click.style('fix:', dim=True)} {verdict['remedy']}")
