"""`provisioner guest create`: virt-install's option names, one request to the service."""

from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import profiles
from provisioner.cli.finish import finish
from provisioner.cli.output import Format, document, output_option
from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, Nic
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid

_KEY_KINDS = ("ssh-", "ecdsa-", "sk-")


@click.command(short_help="Create a guest and install a profile on it.")
@click.argument("name")
@click.option("-p", "--profile", required=True, shell_complete=profiles, help="What to install.")
@click.option("--memory", type=click.IntRange(128), metavar="MIB", help="Memory; the profile's by default.")
@click.option("--vcpus", type=click.IntRange(1), help="Virtual CPUs; the profile's by default.")
@click.option("--disk", metavar="size=GIB[,pool=…][,format=…]", help="The disk to be made.")
@click.option(
    "-w",
    "--network",
    metavar="network=…|bridge=…",
    help="Where its card is plugged in; also type=direct,source=… for macvtap.  [default: network=default]",
)
@click.option("-m", "--mac", metavar="MAC", help="Hardware address; made up by default.")
@click.option("--uuid", metavar="UUID", help="Domain UUID; made up by default.")
@click.option("--boot", type=click.Choice(["bios", "uefi"]), help="Firmware.  [default: bios]")
@click.option("--no-rom", is_flag=True, help="Switch the card's iPXE ROM off: the firmware's own PXE asks.")
@click.option("-x", "--extra-args", metavar="ARGS", help="More kernel arguments for the installer.")
@click.option("--autostart", is_flag=True, help="Start it whenever the host starts.")
@click.option(
    "--ssh-key",
    "ssh_keys",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Public key that may log in as root; may be repeated.",
)
@click.option(
    "--root-password-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="File with root's password on its first line; - reads stdin. Only its hash is sent.",
)
@click.option("--connect", "uri", metavar="URI", help="Another libvirt host than the service's own.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the domain XML; change nothing.")
@click.option("--print-xml", is_flag=True, help="Print the domain XML alone; change nothing.")
@click.option("--wait", is_flag=True, help="Follow the installation to its end.")
@output_option
def create(name: str, *, dry_run: bool, print_xml: bool, wait: bool, output: Format, **options: Any) -> None:
    """Create guest NAME and install a profile on it, unattended over the network."""
    request = body(name, options)
    api = connect()
    if dry_run or print_xml:
        _print(api.post("guests", body=request, dry_run="1")["plan"], output, xml_only=print_xml)
        return
    answer = api.post("guests", body=request)
    for warning in answer.get("plan", {}).get("warnings", ()):
        click.echo(f"warning: {warning}", err=True)
    if options["ssh_keys"]:
        from provisioner.cli.ssh import remember

        remember(answer["install"]["uuid"], options["ssh_keys"])
    finish(api, name, answer, wait=wait, output=output)


def body(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The request of these options; what is not given is left to the profile. Raises UsageError, Invalid."""
    wanted: dict[str, Any] = {"name": _usage(check_name, name, "guest name")}
    for key, check in (("disk", Disk.parse), ("network", Nic.parse)):
        if options[key]:
            _usage(check, options[key])
            wanted[key] = options[key]
    for key, normalise in (("mac", normalise_mac), ("uuid", normalise_uuid)):
        if options[key]:
            wanted[key] = _usage(normalise, options[key])
    for key in ("profile", "memory", "vcpus", "boot", "extra_args", "autostart"):
        if options[key]:
            wanted[key] = options[key]
    if options["no_rom"]:
        wanted["rom"] = False
    if options["uri"]:
        wanted["connect"] = options["uri"]
    if options["ssh_keys"]:
        wanted["ssh_keys"] = [key for path in options["ssh_keys"] for key in public_keys(path)]
    if options["root_password_file"]:
        wanted["root_password_hash"] = password_hash(options["root_password_file"])
    return wanted


def public_keys(path: Path) -> list[str]:
    """The keys of an OpenSSH public key file. Raises Invalid, above all for a private key."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise Invalid(f"--ssh-key {path}: no such file", remedy="make a key with: ssh-keygen") from None
    except UnicodeDecodeError:
        raise Invalid(f"--ssh-key {path} is not an OpenSSH public key") from None
    if any("PRIVATE KEY" in line for line in lines):
        raise Invalid(f"--ssh-key {path} is a private key", remedy=f"give its public half: {path}.pub")
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys or not all(key.startswith(_KEY_KINDS) and len(key.split()) > 1 for key in keys):
        raise Invalid(f"--ssh-key {path} is not an OpenSSH public key")
    return keys


def password_hash(path: Path) -> str:
    """The `$6$` hash of the first line of a file; a line that is such a hash already is taken as it is."""
    with click.open_file(str(path)) as file:
        password = str(file.readline()).rstrip("\n")
    if not password:
        raise Invalid(f"--root-password-file {path}: its first line is empty")
    if password.startswith("$6$"):
        return password
    from provisioner.answers.secrets import hash_password

    return hash_password(password)


def _usage(check: Any, *values: Any) -> Any:
    """A value that is wrong by its form alone is a fault of the command line: exit code 2."""
    try:
        return check(*values)
    except Invalid as error:
        raise click.UsageError(str(error), ctx=click.get_current_context(silent=True)) from None


def _print(plan: Any, output: Format, *, xml_only: bool) -> None:
    if output != "table" and not xml_only:
        document(plan, output)
        return
    for warning in plan.get("warnings", ()):
        click.echo(f"warning: {warning}", err=True)
    if not xml_only:
        for number, step in enumerate(plan["steps"], 1):
            click.echo(f"{number:>2}  {step}")
        click.echo()
    click.echo(plan["xml"].rstrip("\n"))
