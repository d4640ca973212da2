"""`provisioner machine …`: machines that netboot but were not created here."""

from datetime import UTC, datetime
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import machines, profiles
from provisioner.cli.output import Column, Format, document, field, output_option, pairs, remark, rows
from provisioner.core.firmware import DIALECTS

ref_argument = click.argument("ref", metavar="NAME|MAC", shell_complete=machines)
_LOADER = "What its firmware is given first.  [default: {}]"


@click.group()
def machine() -> None:
    """Machines that netboot but were not created here.

    With the setting unknown_machines = "discover" they register themselves.
    """


@machine.command()
@click.argument("name")
@click.option("-m", "--mac", required=True, help="Hardware address of the card that it boots from.")
@click.option("--uuid", help="Its SMBIOS UUID, where one is known.")
@click.option("-p", "--profile", shell_complete=profiles, help="What to install on it.")
@click.option("--loader", type=click.Choice(DIALECTS), help=_LOADER.format("ipxe"))
def add(name: str, mac: str, uuid: str | None, profile: str | None, loader: str | None) -> None:
    """Make a machine known by its MAC address."""
    wanted = {"name": name, "mac": mac, "uuid": uuid, "profile": profile, "loader": loader}
    connect().post("machines", body={key: value for key, value in wanted.items() if value})
    remark(f"machine {name} is known")


@machine.command("list")
@click.option("--discovered", is_flag=True, help="Only those that registered themselves.")
@output_option
def list_machines(discovered: bool, output: Format) -> None:
    """List the machines that are known."""
    columns = (
        field("name"),
        field("mac"),
        Column("ORIGIN", _origin),
        field("firmware"),
        field("profile"),
        field("address"),
        Column("SEEN", lambda m: _ago(m.get("last_seen"))),
    )
    found = [item for item in connect().get("machines") if item.get("discovered") or not discovered]
    rows(found, columns, output, empty="no machines are known")


@machine.command()
@ref_argument
@output_option
def show(ref: str, output: Format) -> None:
    """Show a machine and its latest install."""
    item = connect().get("machines", ref)
    known, install = item["machine"], item.get("install") or {}
    fields = [
        ("name", known["name"]),
        ("mac", known["mac"]),
        ("uuid", known.get("uuid")),
        ("origin", _origin(known)),
        ("firmware", known.get("firmware")),
        ("profile", known.get("profile")),
        ("address", known.get("address")),
        ("first seen", _moment(known.get("first_seen"))),
        ("last seen", _moment(known.get("last_seen"))),
        ("install", install.get("id")),
        ("loader", install.get("loader")),
        ("stage", install.get("stage") or "boots its disk"),
        ("reason", install.get("reason")),
    ]
    pairs(item, fields, output)


@machine.command()
@ref_argument
@click.option("-p", "--profile", required=True, shell_complete=profiles, help="What to install on it.")
@click.option("--name", help="What it is called from now on, where nothing was installed on it yet.")
@click.option("--loader", type=click.Choice(DIALECTS), help=_LOADER.format("as the last time, at first ipxe"))
@click.option("--wait", is_flag=True, help="Follow the installation to its end.")
@output_option
def install(ref: str, profile: str, name: str | None, loader: str | None, wait: bool, output: Format) -> None:
    """Let a machine install a profile the next time that it netboots, once.

    A MAC address that nobody knows makes a machine known. What is on its disk is lost when it netboots; after
    the installation it boots its disk again, until this is said another time.
    """
    api = connect()
    wanted = {"profile": profile, "name": name, "loader": loader}
    body = {key: value for key, value in wanted.items() if value}
    item = api.post("machines", ref, "install", body=body)
    called, begun = item["machine"]["name"], item["install"]
    if wait:
        from provisioner.cli.watch import until_installed

        remark(f"{called}: switch it on and let it boot from the network")
        until_installed(api, begun["id"])
        item = api.get("machines", called)
    if output != "table":
        document(item, output)
    elif wait:
        click.echo(f"{called}: installed")
    else:
        click.echo(f"{called}: install {begun['id']} waits until the machine netboots")
        remark(f"follow it with: provisioner install wait {called}")


@machine.command()
@ref_argument
def remove(ref: str) -> None:
    """Forget a machine; nothing on it changes."""
    connect().delete("machines", ref)
    remark(f"machine {ref} is forgotten")


def _origin(item: Any) -> str:
    return "guest" if item.get("guest") else "discovered" if item.get("discovered") else "added"


def _ago(text: str | None) -> str:
    from provisioner.cli.timeline import duration

    return (
        f"{duration((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds())} ago" if text else ""
    )


def _moment(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""
