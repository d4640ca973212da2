"""The options of `guest create`: virt-install's names, and the request that they make."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from provisioner.cli.complete import hosts, places, profiles, trees
from provisioner.cli.given import no_lint_option, variable_option, variables
from provisioner.cli.keys import password_hash, public_keys
from provisioner.core.errors import Invalid
from provisioner.core.firmware import DIALECTS
from provisioner.core.guest import METHODS, Disk, Nic, parse_boot
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid
from provisioner.core.options import parse_suboptions
from provisioner.core.osinfo import parse_osinfo

_F = TypeVar("_F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PLAIN = (
    "profile",
    "method",
    "memory",
    "vcpus",
    "cpu",
    "osinfo",
    "boot",
    "loader",
    "graphics",
    "location",
    "cdrom",
    "direct",
    "extra_args",
    "autostart",
    "start",
)

_OPTIONS = (
    click.option("-p", "--profile", shell_complete=profiles, help="What to install, and its answer file."),
    click.option("--method", type=click.Choice(METHODS), help="How its installer starts.  [default: pxe]"),
    click.option("--pxe", "method", flag_value="pxe", help="The same as --method pxe."),
    click.option("--import", "method", flag_value="import", help="Install nothing: --disk is a disk image."),
    click.option(
        "-l",
        "--location",
        metavar="TREE",
        shell_complete=trees,
        help="Start the kernel of this tree directly: a known tree, a URL (http, https, ftp, nfs), a "
        "directory or an ISO.",
    ),
    click.option("-c", "--cdrom", metavar="FILE", help="Boot this ISO, or a drive of the host (/dev/sr0)."),
    click.option("--direct", is_flag=True, help="The installer reads --location itself, not through here."),
    click.option("--memory", "--ram", type=click.IntRange(128), metavar="MIB", help="Memory."),
    click.option("--vcpus", type=click.IntRange(1), help="Virtual CPUs."),
    click.option("--cpu", metavar="MODEL", help="CPU model, host-passthrough, host-model or maximum."),
    click.option(
        "--osinfo",
        "--os-variant",
        metavar="NAME",
        help="What it runs, where no tree tells: debian12, rhel9.4.",
    ),
    click.option(
        "--disk",
        "disks",
        multiple=True,
        metavar="size=GIB|IMAGE|vol=POOL/VOLUME",
        help="A disk to be made, the image of an import, or a volume that exists; also pool=, format=, bus=, "
        "cache=, linked=on; {name} stands for the guest's name. May be repeated.",
    ),
    click.option(
        "-w",
        "--network",
        "networks",
        multiple=True,
        metavar="network=…|bridge=…",
        shell_complete=places,
        help="Where a card is plugged in; also type=direct,source=… for macvtap, and user; mac=, model=. May "
        "be repeated.  [default: network=default]",
    ),
    click.option("-m", "--mac", metavar="MAC", help="Hardware address of the first card."),
    click.option("--uuid", metavar="UUID", help="Domain UUID; made up by default."),
    click.option("--boot", metavar="bios|uefi[,secure=on]", help="Firmware.  [default: bios]"),
    click.option(
        "--loader",
        type=click.Choice(DIALECTS),
        help="What the firmware is given first.  [default: ipxe; grub under Secure Boot]",
    ),
    click.option("--no-rom", is_flag=True, help="Switch the cards' iPXE ROM off: the firmware's PXE asks."),
    click.option("--graphics", type=click.Choice(["none", "vnc"]), help="A screen.  [default: none]"),
    click.option("-x", "--extra-args", metavar="ARGS", help="More kernel arguments for the installer."),
    click.option(
        "--initrd-inject",
        "files",
        multiple=True,
        type=_FILE,
        help="Add a file to the initrd. May be repeated.",
    ),
    click.option(
        "--cloud-init",
        is_flag=False,
        flag_value="-",
        metavar="[user-data=FILE,…]",
        help="Give an import a cloud-init seed: ours, or your own user-data=, meta-data=, network-config=.",
    ),
    click.option("--noreboot", "start", flag_value="off", help="Leave an import switched off."),
    click.option("--paused", "start", flag_value="paused", help="Start an import with its CPUs halted."),
    click.option("--autostart", is_flag=True, help="Start it whenever the host starts."),
    click.option(
        "--ssh-key",
        "ssh_keys",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Public key that may log in as root; may be repeated.",
    ),
    click.option(
        "--root-password-file",
        type=click.Path(path_type=Path, allow_dash=True),
        help="File with root's password on its first line; - reads stdin. Only its hash is sent.",
    ),
    variable_option,
    no_lint_option,
    click.option(
        "--connect",
        "uri",
        metavar="HOST",
        shell_complete=hosts,
        help="Another host: its name, or a libvirt URI.",
    ),
    # virt-install scripts say these; both are so here anyway.
    click.option("--noautoconsole", is_flag=True, hidden=True),
    click.option("--console", hidden=True),
)


def create_options(function: _F) -> _F:
    """Puts all of them on a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def body(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """What these options ask for, but the name; what is not given is left to the profile.

    `name` is the first guest's. Raises UsageError, Invalid.
    """
    _usage(check_name, name, "guest name")
    wanted: dict[str, Any] = {}
    for key, parse in (("disks", Disk.parse), ("networks", Nic.parse)):
        for text in options[key]:
            _usage(parse, text.replace("{name}", name) if key == "disks" else text)
        if options[key]:
            wanted[key] = [_absolute(text) if key == "disks" else text for text in options[key]]
    if options["osinfo"]:
        _usage(parse_osinfo, options["osinfo"])
    if options["boot"]:
        _usage(parse_boot, options["boot"])
    for key, normalise in (("mac", normalise_mac), ("uuid", normalise_uuid)):
        if options[key]:
            wanted[key] = _usage(normalise, options[key])
    for key in _PLAIN:
        if options[key]:
            wanted[key] = _absolute(options[key]) if key in ("location", "cdrom") else options[key]
    if options["no_rom"]:
        wanted["rom"] = False
    if options["uri"]:
        wanted["connect"] = options["uri"]
    if options["files"]:
        wanted["files"] = {
            path.name: base64.b64encode(path.read_bytes()).decode() for path in options["files"]
        }
    if options["cloud_init"]:
        wanted["cloud_init"] = cloud_init(options["cloud_init"])
    given = variables(options["pairs"]) | ({"lint": False} if options["no_lint"] else {})
    if given:
        wanted["variables"] = given
    if options["ssh_keys"]:
        wanted["ssh_keys"] = [key for path in options["ssh_keys"] for key in public_keys(path)]
    if options["root_password_file"]:
        wanted["root_password_hash"] = password_hash(options["root_password_file"])
    return wanted


def cloud_init(text: str) -> dict[str, str]:
    """The user's own files; without any, everything is ours."""
    if text == "-":
        return {}
    files = _usage(parse_suboptions, text, ("user-data", "meta-data", "network-config"), "--cloud-init")
    return {key.replace("-", "_"): _text(f"--cloud-init {key}=", Path(path)) for key, path in files.items()}


def _text(option: str, path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise Invalid(f"{option}{path} cannot be read: {reason}") from error


def _absolute(text: str) -> str:
    """A file of this directory by its whole path: the service has another one."""
    first, comma, rest = text.partition(",")
    path = Path(first.removeprefix("path="))
    return f"{path.resolve()}{comma}{rest}" if not path.is_absolute() and path.exists() else text


def _usage(check: Any, *values: Any) -> Any:
    """A value that is wrong by its form alone is a fault of the command line: exit code 2."""
    try:
        return check(*values)
    except Invalid as error:
        raise click.UsageError(str(error), ctx=click.get_current_context(silent=True)) from None
