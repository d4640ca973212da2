"""`provisioner guest …`: the verbs that follow virsh."""

import sys
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import guests
from provisioner.cli.confirm import confirm
from provisioner.cli.guest_create import create
from provisioner.cli.guest_life import VERBS, names_argument
from provisioner.cli.names import each_named, several
from provisioner.cli.output import Column, Format, document, output_option, pairs, remark, rows
from provisioner.cli.rebuild import rebuild
from provisioner.core.errors import Unavailable


@click.group()
def guest() -> None:
    """Create guests, live with them, and remove them."""


guest.add_command(create)
guest.add_command(rebuild)
for verb in VERBS:
    guest.add_command(verb)

name_argument = click.argument("name", shell_complete=guests)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def stage(item: Any) -> str:
    """The stage of a guest's latest install, "" where it has none."""
    install = item.get("install")
    return str(install.get("stage", "")) if isinstance(install, dict) else ""


def _address(item: Any) -> str:
    """As a report or lease has it; in a list, where nobody was asked, as its install last saw it."""
    known, install = item.get("address"), item.get("install")
    if known:
        port = known.get("port", 22)
        return str(known["ip"]) if port == 22 else f"{known['ip']}:{port}"
    return str(install.get("address") or "") if isinstance(install, dict) else ""


COLUMNS = (
    Column("NAME", lambda g: g["name"]),
    Column("STATE", lambda g: g["state"]),
    Column("STAGE", stage),
    Column("PROFILE", lambda g: g.get("profile")),
    Column("MEMORY", lambda g: f"{g['memory']} MiB", right=True),
    Column("VCPUS", lambda g: g["vcpus"], right=True),
    Column("ADDRESS", _address),
)
OWNER = Column("OWNER", lambda g: "provisioner" if g["ours"] else "foreign, untouched")


@guest.command("list")
@click.option("--all", "everything", is_flag=True, help="Also domains that provisioner did not create.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml", "ansible"]),
    default="table",
    show_default=True,
    help="How the result is printed; ansible is an inventory.",
)
def list_guests(everything: bool, output: Any) -> None:
    """List guests. Foreign domains are shown by --all and never touched."""
    if output == "ansible":
        from provisioner.cli.inventory import print_inventory

        print_inventory(connect().get("guests", addresses="1"))
        return
    found = connect().get("guests", **({"all": "1"} if everything else {}))
    columns = (*COLUMNS, OWNER) if everything else COLUMNS
    rows(found, columns, output, empty="no guests; create one with: provisioner guest create")


@guest.command()
@name_argument
@output_option
def show(name: str, output: Format) -> None:
    """Show one guest: state, stage, address and how to log in."""
    item = connect().get("guests", name)
    address = item.get("address") or {}
    install = item["install"] if isinstance(item.get("install"), dict) else {}
    fields = [
        ("name", item["name"]),
        ("uuid", item["uuid"]),
        ("state", item["state"]),
        ("owner", OWNER.value(item)),
        ("profile", item.get("profile")),
        ("memory", f"{item['memory']} MiB"),
        ("vcpus", item["vcpus"]),
        ("autostart", bool(item.get("autostart"))),
        ("mac", item.get("mac")),
        ("install", install.get("id")),
        ("stage", stage(item)),
        ("reason", install.get("reason")),
        ("address", f"{address['ip']} ({address['from']})" if address else ""),
        ("login", f"provisioner guest ssh {name}" if address else ""),
    ]
    pairs(item, fields, output)


@guest.command()
@name_argument
@click.option("--disable", is_flag=True, help="Do not start it with the host any more.")
def autostart(name: str, disable: bool) -> None:
    """Start a guest whenever its host starts."""
    connect().put("guests", name, "autostart", body={"on": not disable})
    remark(f"{name}: autostart {'off' if disable else 'on'}")


@guest.command()
@names_argument
@yes_option
def delete(name: tuple[str, ...], yes: bool) -> None:
    """Remove guests with their disks, after saying what goes and what stays. web{01..20} means several."""
    from provisioner.cli.removal import sentences

    api, names = connect(), several(name)
    if not yes and sys.stdin.isatty():
        for one in names:
            for line in sentences(api.get("guests", one), api.get("guests", one, "removal")):
                click.echo(line, err=True)
    who = f"guest {names[0]}" if len(names) == 1 else f"{len(names)} guests"
    question = f"Delete {names[0] if len(names) == 1 else who}?"
    confirm(f"Whatever is on the disks of {who} is lost.", question, yes=yes)
    each_named(names, lambda one: api.delete("guests", one), "deleted")


@guest.command()
@name_argument
def xml(name: str) -> None:
    """Print a guest's domain XML as libvirt has it."""
    click.echo(connect().text("guests", name, "xml").rstrip("\n"))


@guest.command()
@name_argument
@output_option
def address(name: str, output: Format) -> None:
    """Print a guest's IP address, and on stderr where it is known from."""
    found = connect().get("guests", name).get("address")
    if not found:
        raise Unavailable(
            f"no address of {name} is known yet",
            remedy=f"see how far it is: provisioner install show {name}",
        )
    if output != "table":
        document(found, output)
        return
    click.echo(_address({"address": found}))
    if sys.stdout.isatty():
        remark(f"known from {found['from']}")


@guest.command(context_settings={"ignore_unknown_options": True})
@name_argument
@click.option("-l", "--user", default="root", show_default=True, help="Whom to log in as.")
@click.option("-i", "--identity", type=click.Path(exists=True, dir_okay=False), help="Private key to use.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, user: str, identity: str | None, command: tuple[str, ...]) -> None:
    """Log into a guest, or run a COMMAND in it, with its known address and key."""
    from provisioner.cli.ssh import command_line, replace_process

    api = connect()
    item = api.get("guests", name)
    replace_process(
        command_line(item, user=user, identity=identity, state_dir=api.endpoint.state_dir, command=command)
    )
