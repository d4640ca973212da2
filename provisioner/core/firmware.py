"""Which firmware asks, and what it can take: one row for each.

DHCP option 93 codes are those of the IANA registry "Processor Architecture Types"; x86-64 UEFI appears
as 7 and 9 because RFC 4578 named them the other way round.
"""

from dataclasses import dataclass
from typing import Literal

Transport = Literal["tftp", "http"]


@dataclass(frozen=True, slots=True)
class Firmware:
    """`loader` is the first program it is given; `vendor_class` what option 60 begins with."""

    name: str
    codes: tuple[int, ...]
    vendor_class: str
    transport: Transport
    loader: str
    libvirt: Literal["bios", "efi"]


FIRMWARES = (
    Firmware("bios", (0,), "PXEClient", "tftp", "undionly.kpxe", "bios"),
    Firmware("uefi", (7, 9), "PXEClient", "tftp", "snponly.efi", "efi"),
    Firmware("uefi-http", (16,), "HTTPClient", "http", "snponly.efi", "efi"),
)
LOADERS = tuple(sorted({row.loader for row in FIRMWARES}))


def by_code(code: int) -> Firmware | None:
    """The row for a DHCP option 93 code, None where we serve no such firmware."""
    return next((row for row in FIRMWARES if code in row.codes), None)
