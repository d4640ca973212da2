"""Anything that netboots, known by its MAC address and, where it says one, its UUID."""

import re
import uuid as uuid_module
from dataclasses import dataclass
from datetime import datetime

from provisioner.core.errors import Invalid

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_HEX12 = re.compile(r"[0-9a-f]{12}")


def normalise_mac(text: str) -> str:
    """`52-54-00-AA-BB-CC`, `525400aabbcc` and `52:54:00:aa:bb:cc` all give `52:54:00:aa:bb:cc`.

    Raises Invalid for anything else and for multicast addresses.
    """
    digits = re.sub(r"[:.-]", "", text.strip().lower())
    if not _HEX12.fullmatch(digits):
        raise Invalid(f"{text!r} is not a MAC address; write it like 52:54:00:12:34:56")
    if int(digits[1], 16) & 1:
        raise Invalid(f"{text} is a multicast address; a machine's MAC has an even first byte")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def normalise_uuid(text: str) -> str:
    """The canonical lower-case form of a UUID. Raises Invalid."""
    try:
        return str(uuid_module.UUID(text))
    except ValueError:
        raise Invalid(f"{text!r} is not a UUID") from None


def check_name(text: str, what: str = "name") -> str:
    """A name that is safe in a path, a URL, a host name and XML. Raises Invalid."""
    if not _NAME.fullmatch(text):
        raise Invalid(
            f"{what} {text!r} is not usable: lower-case letters, digits, dots and dashes, "
            "starting with a letter or digit, 63 characters at most"
        )
    return text


def discovered_name(mac: str) -> str:
    """`machine-525400aabbcc`: what a machine is called that nobody has named yet."""
    return f"machine-{mac.replace(':', '')}"


@dataclass(frozen=True, slots=True)
class Machine:
    """`name` is the guest's name for a guest; `guest` tells whether we created it through libvirt.

    `discovered`: it registered itself by asking netboot. `firmware` is the name of its row in
    `core.firmware`, `address` the last IP address that it spoke from; both are "" where none is known. The
    times are UTC; guests, whose installs tell more, have none.
    """

    name: str
    mac: str
    uuid: str | None = None
    guest: bool = False
    profile: str | None = None
    discovered: bool = False
    firmware: str = ""
    address: str = ""
    first_seen: datetime | None = None
    last_seen: datetime | None = None

    @property
    def nameless(self) -> bool:
        """Whether it discovered itself and nobody has given it a name."""
        return self.discovered and self.name == discovered_name(self.mac)
