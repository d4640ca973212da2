"""The variables that answer templates know, the same in every family, and where their values come from.

A value is looked for in layers: the host's variables, then the profile's, then the guest's. The last one
that has a name wins, whole: lists are not put together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.answers import values as read
from provisioner.answers.context import Network
from provisioner.core.errors import Invalid

Reader = Callable[[object, str], object]
"""From a value and a sentence's beginning that names it, to what a template is given. Raises Invalid."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`form` is how its value is written, `text` what it does; a `secret` one is shown as ***."""

    name: str
    form: str
    read: Reader
    text: str
    default: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """`origin` names it in sentences: `host local`, `profile debian13`, `guest web1`."""

    origin: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Value:
    value: object
    origin: str


VARIABLES = (
    Variable("lang", "locale", read.word, "Language of the installer and the system", "en_US.UTF-8"),
    Variable("keyboard", "keymap", read.word, "Keyboard", "us"),
    Variable("timezone", "zone", read.word, "Time zone; the hardware clock runs in UTC", "UTC"),
    Variable("packages", "list of names", read.words, "Packages beside the smallest system"),
    Variable("layout", "name", read.name, "How the disks are divided: a snippet `layout-NAME.j2`", "plain"),
    Variable(
        "disk",
        "device, or list of devices",
        read.disks,
        "The system's disk, such as `vda`; a RAID has two. Left out: the first the installer finds, "
        "for a kickstart all",
    ),
    Variable("filesystem", "name", read.name, "The root file system's; left out: the distribution's own"),
    Variable(
        "luks_passphrase",
        "line",
        read.hidden,
        "Opens the encrypted disk of the layout `luks` at each start",
        secret=True,
    ),
    Variable(
        "root_password_hash", "crypt(3) hash", read.crypt, "root's password; none: it is locked", secret=True
    ),
    Variable(
        "root_password",
        "line",
        read.hidden,
        "The same in plain text; it is hashed before it is kept",
        secret=True,
    ),
    Variable("ssh_keys", "list of lines", read.lines, "Public keys that may log in as root"),
    Variable(
        "users",
        "list of tables",
        read.users,
        "Further accounts: `name`, and where wanted `gecos`, `groups`, `admin` (sudo), `password` or "
        "`password_hash`, `ssh_keys`, `shell`",
    ),
    Variable("address", "IPv4 with prefix, or dhcp", read.address, "The system's address", "dhcp"),
    Variable("gateway", "IPv4", read.ip, "Its default route; needs `address`"),
    Variable("nameservers", "list of addresses", read.ips, "Its DNS servers"),
    Variable(
        "interface",
        "device",
        read.device,
        "The card that the address is for; left out: the one that the installer came in by",
    ),
    Variable("vlan", "1 to 4094", read.vlan, "The address is on this VLAN of the card or bond"),
    Variable("bond", "list of devices", read.devices, "Two or more cards that become `bond0`"),
    Variable("bond_mode", "name", read.bond_mode, "How the bond shares its cards", "active-backup"),
    Variable(
        "repositories",
        "list of tables",
        read.repositories,
        "Further packages: `name` and `url` (`tree:NAME` is a tree by our mirror); for Debian and Ubuntu "
        "also `suite` and `components`",
    ),
    Variable("proxy", "URL", read.url, "HTTP proxy of the installer and of the system's package manager"),
    Variable(
        "append",
        "line",
        read.line,
        "Kernel arguments of the installed system; left out: the consoles that the family sets",
    ),
    Variable("pre", "script", read.script, "Run by sh in the installer, before the disks are touched"),
    Variable(
        "post", "script", read.script, "Run by sh in the installed system; where it fails, the install has"
    ),
    Variable(
        "register",
        "script",
        read.script,
        "Run last, in the installed system: enters it where it is to be known; a failure is reported, and "
        "the install goes on",
    ),
    Variable(
        "lint",
        "true or false",
        read.truth,
        "Whether the answer file must pass its check before it is served; `--no-lint` makes it false",
        "true",
    ),
    Variable("before", "text", read.script, "Put in front, in the answer file's own language"),
    Variable("after", "text", read.script, "Put behind, in the answer file's own language"),
)
OWN = (
    ("rhel, fedora", "repository", "true or false", "false leaves the stock repositories as they are"),
    ("rhel, fedora", "gpgkey", "URL", "Signs the tree's packages; left out: the keys that the system brings"),
    (
        "debian, ubuntu 18.04",
        "suite",
        "name",
        "The release's codename; left out: it follows from the release",
    ),
    (
        "debian, ubuntu 18.04",
        "services",
        "names",
        "`security, updates`: mirrors that the guest must reach itself",
    ),
    ("debian, ubuntu 18.04", "security_host", "name", "The host of `security`"),
    (
        "debian, ubuntu 18.04",
        "base_packages",
        "list of names",
        "Unpacked with the base system, which is quicker",
    ),
    ("debian, ubuntu 18.04", "recommends", "true or false", "Whether recommended packages come too"),
    ("debian, ubuntu 18.04", "kernel", "name", "The kernel's package"),
    (
        "debian, ubuntu 18.04",
        "insecure_mirror",
        "true or false",
        "true takes a mirror that nobody has signed",
    ),
    ("debian, ubuntu 18.04", "late_command", "command", "Run in the installer before `post`"),
    ("ubuntu", "mirror", "URL", "Where packages come from, beside the medium"),
    ("suse", "product", "name", "The product of a medium with several, such as `SLES`"),
    ("agama", "product", "name", "What is installed: `openSUSE_Leap`, `SLES`"),
    ("image", "kernel_args", "line", "The older name of `append`"),
)
"""Variables of single families: families, name, form, text."""
BY_NAME = {row.name: row for row in VARIABLES}
_NETWORK = ("address", "gateway", "nameservers", "interface", "vlan", "bond", "bond_mode")
_RENAMED = {"disk": "disks"}


def settle(layers: Sequence[Layer]) -> dict[str, Value]:
    """The value of each name with its origin. `layers` from the weakest to the strongest.

    A password in plain text and its hash are one thing: the stronger layer's stands.
    """
    found: dict[str, Value] = {}
    for layer in layers:
        if layer.values.keys() & {"root_password", "root_password_hash"}:
            found.pop("root_password", None)
            found.pop("root_password_hash", None)
        found |= {name: Value(value, layer.origin) for name, value in layer.values.items()}
    return found


def checked(settled: Mapping[str, Value]) -> dict[str, object]:
    """What an AnswerContext is given under its own names. "" stands for a variable that is not given, but for
    `append`, which may be empty. Raises Invalid naming origin and variable.
    """
    values = {
        name: BY_NAME[name].read(row.value, f"{row.origin}: variable {name}")
        for name, row in settled.items()
        if name in BY_NAME and (row.value not in ("", None) or name == "append")
    }
    values.pop("root_password", None)  # kept nowhere but as its hash
    network = {name: values.pop(name) for name in _NETWORK if name in values}
    made: dict[str, object] = {_RENAMED.get(name, name): value for name, value in values.items()}
    _agree(made, settled)
    return made | {"network": _network(network, settled)}


def _network(values: Mapping[str, object], settled: Mapping[str, Value]) -> Network:
    network = Network(**values)  # type: ignore[arg-type]  # each was read as what it is
    where = {name: f"{settled[name].origin}: variable {name}" for name in values}
    if network.gateway and not network.address:
        raise Invalid(f"{where['gateway']} = {network.gateway} is of no use without an address")
    if network.gateway and not read.is_near(network.gateway, network.address):
        raise Invalid(f"{where['gateway']} = {network.gateway} is not in the network of {network.address}")
    if network.bond and network.interface:
        raise Invalid(f"{where['interface']} = {network.interface} goes with no bond: its cards are in bond")
    if "bond_mode" in values and not network.bond:
        raise Invalid(f"{where['bond_mode']} = {network.bond_mode} is of no use without the variable bond")
    return network


def _agree(made: Mapping[str, object], settled: Mapping[str, Value]) -> None:
    """What one layout of disks asks of other variables."""
    layout, disks = made.get("layout"), made.get("disks")
    if layout == "luks" and not made.get("luks_passphrase"):
        raise Invalid(f"{settled['layout'].origin}: the layout luks needs the variable luks_passphrase")
    if layout == "raid1" and isinstance(disks, tuple) and len(disks) == 1:
        raise Invalid(f"{settled['disk'].origin}: variable disk has one device, layout raid1 needs two")


def shown(name: str, value: object) -> object:
    """The value as it may be shown: passwords and their hashes as ***."""
    if name in BY_NAME and BY_NAME[name].secret:
        return "***"
    if name == "users" and isinstance(value, list | tuple):
        return [_user_shown(row) for row in value]
    return value


def _user_shown(row: object) -> object:
    if not isinstance(row, Mapping):
        return row
    return {key: "***" if key.startswith("password") else value for key, value in row.items()}
