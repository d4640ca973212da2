"""Every name that an answer template may use, and the small nouns among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Interface

from provisioner.distros.base import major


@dataclass(frozen=True, slots=True)
class User:
    """An account beside root's. `admin` may become root by sudo; `password_hash` "" locks the password."""

    name: str
    gecos: str = ""
    groups: tuple[str, ...] = ()
    admin: bool = False
    password_hash: str = ""
    ssh_keys: tuple[str, ...] = ()
    shell: str = "/bin/bash"


@dataclass(frozen=True, slots=True)
class Repository:
    """Packages beside the tree's. `suite` and `components` are Debian's; "./" is a folder without either."""

    name: str
    url: str
    suite: str = "./"
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """The installed system's network. `address` with its prefix, "" for DHCP; `interface` "" is the card
    that the installer came in by; `vlan` 0: none; `bond` the cards of a bond, none or at least two.
    """

    address: str = ""
    gateway: str = ""
    nameservers: tuple[str, ...] = ()
    interface: str = ""
    vlan: int = 0
    bond: tuple[str, ...] = ()
    bond_mode: str = "active-backup"

    @property
    def ip(self) -> str:
        """The address without its prefix."""
        return self.address.partition("/")[0]

    @property
    def netmask(self) -> str:
        """`255.255.255.0`"""
        return str(IPv4Interface(self.address).netmask)

    @property
    def plain(self) -> bool:
        """Nothing but DHCP on the card that the installer came in by."""
        return self == Network(nameservers=self.nameservers)


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """Every name that a template may use, beside the functions of `answers.quoting` and `major`.

    `guest` is "" for a machine that we did not create. URLs end without a slash; `tree_url` is the tree's
    root, `report_url` takes `/success`, `/failure`, `/progress` and `/first-boot`. `root_password_hash` ""
    means that root is locked. `before` and `after` are texts in the answer file's own language. `syslog`
    is host and port of our log listener, None where there is none. `supports` names what this release may
    use of the things that differ between releases. `lint` False: the text may be served without a check.
    `append` None leaves the kernel arguments to the family.
    `variables` are the values as they were given, under the names that templates of one's own may ask for.
    """

    guest: str
    hostname: str
    mac: str
    uuid: str
    install: str
    root: str
    tree_url: str
    report_url: str
    image_url: str = ""
    image_sha256: str = ""
    release: str = ""
    root_password_hash: str = ""
    ssh_keys: tuple[str, ...] = ()
    lang: str = "en_US.UTF-8"
    keyboard: str = "us"
    timezone: str = "UTC"
    packages: tuple[str, ...] = ()
    layout: str = "plain"
    disks: tuple[str, ...] = ()
    filesystem: str = ""
    luks_passphrase: str = ""
    users: tuple[User, ...] = ()
    network: Network = Network()
    repositories: tuple[Repository, ...] = ()
    proxy: str = ""
    append: str | None = None
    pre: str = ""
    post: str = ""
    register: str = ""
    before: str = ""
    after: str = ""
    lint: bool = True
    syslog: tuple[str, int] | None = None
    supports: frozenset[str] = frozenset()
    variables: Mapping[str, object] = field(default_factory=dict)


def names(context: AnswerContext) -> dict[str, object]:
    """What a template is rendered with; `major` is the first number of the release, 0 where it has none."""
    values = {row.name: getattr(context, row.name) for row in fields(context)}
    return values | {"major": major(context.release)}
