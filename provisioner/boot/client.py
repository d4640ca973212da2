"""Who asks: a decoded DHCP question becomes a `Client`, or an `Ignore` that says why we stay silent."""

from dataclasses import dataclass
from typing import Final

from provisioner.core.firmware import FIRMWARES, Firmware, by_code

DISCOVER: Final = 1
REQUEST: Final = 3
PROBE: Final = "provisioner-check"
"""The user class of our own question whether we are heard: answered like a machine that may netboot."""

# DHCP clients of installers and operating systems, by how option 60 begins. They take a boot file for
# something else (d-i reads it as its preseed's URL), so a loader must never reach them, whatever other
# options they copy: debian-installer, Anaconda (its dracut, by dhclient and by NetworkManager alike),
# busybox, dhcpcd, klibc's ipconfig (initramfs-tools, casper), Windows and its PE. The others say nothing in
# option 60 by themselves: dhclient, NetworkManager, systemd-networkd, wicked.
_SYSTEMS = ("d-i", "anaconda", "udhcp", "dhcpcd", "Linux ipconfig", "MSFT")


@dataclass(frozen=True, slots=True)
class Local:
    """Where a question came in: our interface and our own address on it."""

    interface: str
    address: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not for us, and why, as a sentence's end; `remedy` is what its owner can do, "" for nothing."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A BOOTREQUEST as decoded. `message` is option 53, `code` option 93, `port` ours that it came to.

    `uuid` is option 97 in the order of its bytes, "" where absent. `ipxe_features` tells whether option 175
    says that this iPXE speaks HTTP. `ciaddr` is the address the client has and `requested` (option 50) the
    one it asks to keep, "" where none.
    """

    message: int
    mac: str
    uuid: str = ""
    vendor_class: str = ""
    code: int | None = None
    user_class: str = ""
    ipxe_features: bool = False
    xid: int = 0
    ciaddr: str = ""
    requested: str = ""
    port: int = 67


@dataclass(frozen=True, slots=True)
class Client:
    """A netboot client. `ipxe` where it is an iPXE that takes a script by HTTP (a ROM, or chainloaded)."""

    mac: str
    uuid: str
    firmware: Firmware
    ipxe: bool

    @property
    def name(self) -> str:
        """For a person: `bios`, `uefi iPXE`."""
        return f"{self.firmware.name} iPXE" if self.ipxe else self.firmware.name


def identify(question: Question) -> Client | Ignore:
    """The client behind a question.

    A netboot client says so in option 60, as a word that a colon ends (systems are set up to copy its
    beginning), and names an architecture that we serve in option 93 (RFC 4578).
    Option 77 "iPXE" alone is not enough for a script's URL: it comes from ROMs without HTTP too.
    """
    if question.message not in (DISCOVER, REQUEST):
        return Ignore(f"DHCP message type {question.message} is no netboot question")
    vendor = question.vendor_class
    if vendor.startswith(_SYSTEMS):
        return Ignore(f"vendor class {vendor.split()[0]} is an operating system's, which is handed no loader")
    word = vendor.split(":")[0]
    if word not in {row.vendor_class for row in FIRMWARES}:
        return Ignore("not a netboot client: option 60 is neither PXEClient nor HTTPClient")
    if question.code is None:
        return Ignore("option 93 is missing, so the architecture is unknown")
    firmware = by_code(question.code)
    if firmware is None:
        return Ignore(f"architecture {question.code} is not served")
    if word != firmware.vendor_class:
        return Ignore(f"architecture {question.code} does not go with vendor class {word}")
    if not firmware.loaders:
        return Ignore(f"{firmware.name}: {firmware.refusal}")
    ipxe = question.user_class == "iPXE" and question.ipxe_features
    return Client(question.mac, question.uuid, firmware, ipxe)
