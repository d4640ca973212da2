"""`provisioner host …`: libvirt connections by name."""

from collections import Counter
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import hosts
from provisioner.cli.errors import Told
from provisioner.cli.output import Column, Format, document, field, output_option, paint, pairs, remark, rows


@click.group()
def host() -> None:
    """libvirt hosts that guests are created on; the first is called local."""


@host.command(short_help="Make a host known by its libvirt URI")
@click.argument("name")
@click.argument("uri")
@click.option("--allow-unsafe", is_flag=True, help="Accept a URI that is not encrypted or not verified.")
@output_option
def add(name: str, uri: str, allow_unsafe: bool, output: Format) -> None:
    """Make a host known by its libvirt URI, and connect to it.

    A host that does not answer now is kept, and tried again and again.
    """
    made = connect().post("hosts", body={"name": name, "uri": uri, "allow_unsafe": allow_unsafe})
    if output != "table":
        document(made, output)
    elif made["state"] == "up":
        click.echo(f"host {name} is up")
    else:
        click.echo(f"host {name} is kept, and down: {made['reason']}")


@host.command("list")
@output_option
def list_hosts(output: Format) -> None:
    """List the hosts, and whether they answer."""
    columns = (
        field("name"),
        field("state"),
        field("uri"),
        field("reason"),
    )
    rows(connect().get("hosts"), columns, output, empty="no hosts are known")


@host.command()
@click.argument("name", default="local", shell_complete=hosts)
@output_option
def show(name: str, output: Format) -> None:
    """Show what a host is and what it can give guests."""
    item = connect().get("hosts", name)
    node = item["node"]
    fields = (
        ("name", item["name"]),
        ("uri", item["uri"]),
        ("state", item["state"]),
        ("CPU model", node["model"]),
        ("CPU(s)", node["cpus"]),
        ("CPU frequency", f"{node['mhz']} MHz"),
        ("CPU socket(s)", node["sockets"]),
        ("Core(s) per socket", node["cores"]),
        ("Thread(s) per core", node["threads"]),
        ("NUMA cell(s)", node["cells"]),
        ("Memory size", f"{node['memory']} KiB"),
        ("guests run by", f"{item['virt_type']} ({item['virt_reason']})"),
        ("emulator", item["emulator"]),
        ("machine", f"{item['machine']} ({item['arch']})"),
        ("vCPUs per guest", f"at most {item['max_vcpus']}"),
        ("firmware", item["firmwares"]),
        ("Secure Boot", item["secure_boot"]),
        ("disk devices", item["disk_devices"]),
        ("disk buses", item["disk_buses"]),
        ("graphics", item["graphics"]),
        ("networks", item["networks"]),
        ("pools", item["pools"]),
        ("domains", item["domains"]),
        ("warning", "\n".join(item["warnings"])),
    )
    pairs(item, fields, output)


@host.command(short_help="Check whether a host can carry guests")
@click.argument("name", default="local", shell_complete=hosts)
@click.option("--compare", is_flag=True, help="Beside the verdicts of virt-host-validate, line by line.")
@output_option
def check(name: str, compare: bool, output: Format) -> None:
    """Check whether a host can carry QEMU guests and LXC containers.

    These are the questions of virt-host-validate, and whether a kernel boots under KVM. Ends with 1 where one
    FAILs; with --compare, where a difference from virt-host-validate is not explained.
    """
    api = connect()
    if compare:
        found = api.get("hosts", name, "compare")
        _print_comparison(found, output)
        failed = any(row["differs"] for row in found)
    else:
        found = api.get("hosts", name, "check")
        _print_checks(found, output)
        failed = any(row["verdict"] == "FAIL" for row in found)
    if failed:
        raise Told


@host.command()
@click.argument("name", shell_complete=hosts)
def remove(name: str) -> None:
    """Forget a host; nothing on it changes."""
    connect().delete("hosts", name)
    remark(f"host {name} is forgotten")


def _print_checks(found: list[dict[str, Any]], output: Format) -> None:
    if output != "table":
        document(found, output)
        return
    width = max((len(row["name"]) for row in found), default=0)
    for row in found:
        verdict = paint(row["verdict"].ljust(7))
        click.echo(f"{verdict}  {row['area'].ljust(4)}  {row['name'].ljust(width)}  {row['reason']}")
        if row["fix"] and row["verdict"] != "PASS":
            click.echo(f"{' ' * (width + 17)}{click.style('fix:', dim=True)} {row['fix']}")
    counts = Counter(row["verdict"] for row in found)
    remark(
        "\n" + ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("PASS", "WARN", "FAIL", "unknown"))
    )


def _print_comparison(found: list[dict[str, Any]], output: Format) -> None:
    columns = (
        field("area"),
        field("question"),
        field("theirs"),
        field("ours"),
        Column("DIFFERENCE", lambda row: ("NOT EXPLAINED: " if row["differs"] else "") + row["why"]),
    )
    rows(found, columns, output, empty="virt-host-validate printed no lines")
