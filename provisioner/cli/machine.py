"""`provisioner machine …`: machines that netboot but were not created here."""

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import machines, profiles
from provisioner.cli.output import Format, field, output_option, remark, rows


@click.group()
def machine() -> None:
    """Machines that netboot but were not created here."""


@machine.command()
@click.argument("name")
@click.option("-m", "--mac", required=True, help="Hardware address of the card that it boots from.")
@click.option("--uuid", help="Its SMBIOS UUID, where one is known.")
@click.option("-p", "--profile", shell_complete=profiles, help="What to install on it.")
def add(name: str, mac: str, uuid: str | None, profile: str | None) -> None:
    """Make a machine known by its MAC address."""
    wanted = {"name": name, "mac": mac, "uuid": uuid, "profile": profile}
    connect().post("machines", body={key: value for key, value in wanted.items() if value})
    remark(f"machine {name} is known")


@machine.command("list")
@output_option
def list_machines(output: Format) -> None:
    """List the machines that are known."""
    columns = (field("name"), field("mac"), field("uuid"), field("profile"), field("guest"))
    rows(connect().get("machines"), columns, output, empty="no machines are known")


@machine.command()
@click.argument("name", shell_complete=machines)
def remove(name: str) -> None:
    """Forget a machine; nothing on it changes."""
    connect().delete("machines", name)
    remark(f"machine {name} is forgotten")
