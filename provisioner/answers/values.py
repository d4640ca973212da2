"""A variable's value as people write it, read into what templates are given; each refusal is one sentence.

Every reader takes the value and `where`, the beginning of that sentence. A list may be written as one text
with blanks between its words, so that `--var packages="vim git"` works; of lines, with line ends.
"""

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, ip_address
from urllib.parse import urlsplit

from provisioner.answers.context import Repository, User
from provisioner.core.errors import Invalid
from provisioner.core.machine import check_name

_WORD = re.compile(r"[A-Za-z0-9@^+*._:/-]+")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_LINE = re.compile("[^\x00-\x08\x0a-\x1f\x7f\u2028\u2029]+")
_SCRIPT = re.compile("[^\x00-\x08\x0b-\x1f\x7f]*")
_CRYPT = re.compile(r"\$[A-Za-z0-9./$=,_-]+")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,31}")
_DISK = re.compile(r"(?:/dev/)?([A-Za-z0-9][A-Za-z0-9._/:-]{0,127})")
_PATH = re.compile(r"/[A-Za-z0-9._/-]+")
_BOND_MODES = (
    "active-backup",
    "balance-rr",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
)
_USER_KEYS = ("name", "gecos", "groups", "admin", "password", "password_hash", "ssh_keys", "shell")
_REPOSITORY_KEYS = ("name", "url", "suite", "components")


def truth(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"{where} must be true or false, not {str(value)[:40]!r}")
    return value


def word(value: object, where: str) -> str:
    return _matched(_WORD, value, where)


def name(value: object, where: str) -> str:
    return _matched(_NAME, value, where)


def line(value: object, where: str) -> str:
    """One line with anything in it; "" stands for nothing."""
    return _matched(_LINE, value, where) if value != "" else ""


def hidden(value: object, where: str) -> str:
    """The same for a secret, which no sentence repeats."""
    return _matched(_LINE, value, where, show=False) if value != "" else ""


def script(value: object, where: str) -> str:
    """Any text, without the empty lines around it."""
    return _matched(_SCRIPT, str(value).replace("\r\n", "\n"), where).strip("\n")


def crypt(value: object, where: str) -> str:
    return _matched(_CRYPT, value, where, show=False) if value != "" else ""


def url(value: object, where: str) -> str:
    text = word(value, where) if value != "" else ""
    if text and (urlsplit(text).scheme not in ("http", "https", "ftp") or not urlsplit(text).hostname):
        raise Invalid(f"{where} = {text!r} is no URL; write it like http://proxy.example:3128")
    return text


def words(value: object, where: str) -> tuple[str, ...]:
    return tuple(_listed(_WORD, row, where) for row in _items(value, where, None))


def lines(value: object, where: str) -> tuple[str, ...]:
    return tuple(_listed(_LINE, row, where) for row in _items(value, where, "\n"))


def disks(value: object, where: str) -> tuple[str, ...]:
    """Without `/dev/`: each family's templates write what they need."""
    found = []
    for row in _items(value, where, None):
        matched = _DISK.fullmatch(row)
        if not matched or ".." in row:
            raise Invalid(f"{where}: {row!r} is no disk; write it like vda or disk/by-id/ata-…")
        found.append(matched[1])
    return tuple(found)


def device(value: object, where: str) -> str:
    return _matched(_DEVICE, value, where)


def devices(value: object, where: str) -> tuple[str, ...]:
    found = tuple(_listed(_DEVICE, row, where) for row in _items(value, where, None))
    if len(found) == 1 or len(set(found)) < len(found):
        raise Invalid(f"{where} needs two cards or more, each named once")
    return found


def bond_mode(value: object, where: str) -> str:
    if value not in _BOND_MODES:
        raise Invalid(f"{where} = {value!r} is not known; known are {', '.join(_BOND_MODES)}")
    return str(value)


def vlan(value: object, where: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 4094:
        raise Invalid(f"{where} = {text[:20]!r} is no VLAN: they have the numbers 1 to 4094")
    return int(text)


def address(value: object, where: str) -> str:
    """`192.0.2.10/24`; "" for dhcp. The network's own and its broadcast address are nobody's."""
    if value in ("", "dhcp"):
        return ""
    text = str(value)
    try:
        found = IPv4Interface(text)
    except ValueError:
        found = None
    if found is None or "/" not in text or found.network.prefixlen == 0:
        raise Invalid(f"{where} = {text!r} is no IPv4 address with its prefix; write 192.0.2.10/24, or dhcp")
    if found.network.prefixlen < 31 and found.ip in (
        found.network.network_address,
        found.network.broadcast_address,
    ):
        raise Invalid(
            f"{where} = {text} is the address of the network {found.network}, not of a machine in it"
        )
    return found.with_prefixlen


def ip(value: object, where: str) -> str:
    try:
        return str(IPv4Address(str(value)))
    except AddressValueError:
        raise Invalid(f"{where} = {str(value)!r} is no IPv4 address") from None


def ips(value: object, where: str) -> tuple[str, ...]:
    found = []
    for row in _items(value, where, None):
        try:
            found.append(str(ip_address(row)))
        except ValueError:
            raise Invalid(f"{where}: {row!r} is no address") from None
    return tuple(found)


def is_near(gateway: str, owner: str) -> bool:
    """Whether the gateway is another machine of the network that `owner` is in."""
    interface = IPv4Interface(owner)
    return IPv4Address(gateway) in interface.network and IPv4Address(gateway) != interface.ip


def users(value: object, where: str) -> tuple[User, ...]:
    found = tuple(_user(row, f"{where}[{number}]") for number, row in enumerate(_rows(value, where)))
    for row in found:
        if row.name == "root":
            raise Invalid(
                f"{where}: root is no further account; its password and keys have their own variables"
            )
        if sum(other.name == row.name for other in found) > 1:
            raise Invalid(f"{where} names {row.name} twice")
    return found


def repositories(value: object, where: str) -> tuple[Repository, ...]:
    rows = enumerate(_rows(value, where))
    return tuple(_repository(row, f"{where}[{number}]") for number, row in rows)


def _user(row: Mapping[str, object], where: str) -> User:
    _known(row, _USER_KEYS, where)
    admin = row.get("admin", False)
    if not isinstance(admin, bool):
        raise Invalid(f"{where}.admin must be true or false")
    gecos = line(row.get("gecos", ""), f"{where}.gecos")
    if ":" in gecos or "," in gecos:
        raise Invalid(f"{where}.gecos = {gecos!r} holds a colon or comma, which divide the fields of passwd")
    return User(
        name=_matched(_USER, row.get("name", ""), f"{where}.name"),
        gecos=gecos,
        groups=tuple(_listed(_USER, item, where) for item in _items(row.get("groups", ()), where, None)),
        admin=admin,
        password_hash=crypt(row.get("password_hash", ""), f"{where}.password_hash"),
        ssh_keys=lines(row.get("ssh_keys", ()), f"{where}.ssh_keys"),
        shell=_matched(_PATH, row.get("shell", "/bin/bash"), f"{where}.shell"),
    )


def _repository(row: Mapping[str, object], where: str) -> Repository:
    _known(row, _REPOSITORY_KEYS, where)
    address = word(row.get("url", ""), f"{where}.url")
    if address.startswith("tree:"):
        check_name(address.removeprefix("tree:"), f"{where}.url: tree")
    else:
        url(address, f"{where}.url")
    return Repository(
        name=_matched(_NAME, row.get("name", ""), f"{where}.name"),
        url=address,
        suite=word(row.get("suite", "./"), f"{where}.suite"),
        components=words(row.get("components", ()), f"{where}.components"),
    )


def _known(row: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    if unknown := sorted(row.keys() - set(keys)):
        raise Invalid(f"{where} has no {', '.join(unknown)}; known are {', '.join(keys)}")


def _matched(pattern: re.Pattern[str], value: object, where: str, *, show: bool = True) -> str:
    text = str(value)
    if not isinstance(value, str | int | float) or not pattern.fullmatch(text):
        raise Invalid(f"{where} = {text!r} is not usable" if show else f"{where} is not usable")
    return text


def _listed(pattern: re.Pattern[str], text: str, where: str) -> str:
    if not pattern.fullmatch(text):
        raise Invalid(f"{where}: {text!r} is not usable")
    return text


def _items(value: object, where: str, separator: str | None) -> list[str]:
    items = value.split(separator) if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise Invalid(f"{where} must be a list")
    return [text for item in items if (text := str(item).strip())]


def _rows(value: object, where: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise Invalid(f'{where} must be a list of tables, such as [{{name = "ann"}}]')
    return list(value)
