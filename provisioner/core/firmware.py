"""Which firmware asks, and what it can take: one row for each.

DHCP option 93 codes are those of the IANA registry "Processor Architecture Types"; x86-64 UEFI appears
as 7 and 9 because RFC 4578 named them the other way round.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Literal

Transport = Literal["tftp", "http"]
Dialect = Literal["ipxe", "grub", "pxelinux"]
"""What a loader reads next: an iPXE script, a grub.cfg, a pxelinux.cfg."""
DIALECTS: tuple[Dialect, ...] = ("ipxe", "grub", "pxelinux")


@dataclass(frozen=True, slots=True)
class Firmware:
    """`loaders` are the first programs that it may be given, by what they read next.

    `vendor_class` is what option 60 begins with. `starts` are the processors whose kernels it starts, as
    `uname -m` and trees write them. `refusal` is why nothing is given where `loaders` is empty.
    """

    name: str
    codes: tuple[int, ...]
    vendor_class: Literal["PXEClient", "HTTPClient"]
    loaders: Mapping[Dialect, tuple[str, ...]]
    starts: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def transport(self) -> Transport:
        return "http" if self.vendor_class == "HTTPClient" else "tftp"

    def loader(self, dialect: Dialect, have: Container[str]) -> str | None:
        """The file for a dialect, None where there is none among those that we have."""
        return next((name for name in self.loaders.get(dialect, ()) if name in have), None)


def _efi(ipxe: str, suffix: str) -> Mapping[Dialect, tuple[str, ...]]:
    """shim where there is one, since it starts GRUB with and without Secure Boot; else GRUB itself."""
    return {"ipxe": (ipxe,), "grub": (f"shim{suffix}.efi", f"grub{suffix}.efi")}


_BIOS: Mapping[Dialect, tuple[str, ...]] = {
    "ipxe": ("undionly.kpxe",),
    "pxelinux": ("lpxelinux.0", "pxelinux.0"),
}
_X64, _ARM64 = _efi("snponly.efi", "x64"), _efi("snponly-arm64.efi", "aa64")
_IA32, _ARM32 = _efi("snponly-ia32.efi", "ia32"), _efi("snponly-arm32.efi", "arm")
_RISCV64, _LOONG64 = _efi("snponly-riscv64.efi", "riscv64"), _efi("snponly-loong64.efi", "loongarch64")

# To UEFI a kernel is a program, of its own processor. A BIOS starts both kinds, and so does 32-bit UEFI where
# the kernel was built for that (Linux: CONFIG_EFI_MIXED).
_PC = ("x86_64", "i386", "i486", "i586", "i686")
_ARM = ("arm", "armhf", "armhfp", "armv7l")

FIRMWARES = (
    Firmware("bios", (0,), "PXEClient", _BIOS, _PC),
    Firmware("uefi", (7, 9), "PXEClient", _X64, ("x86_64",)),
    Firmware("uefi-http", (16,), "HTTPClient", _X64, ("x86_64",)),
    Firmware("uefi-arm64", (11,), "PXEClient", _ARM64, ("aarch64",)),
    Firmware("uefi-arm64-http", (19,), "HTTPClient", _ARM64, ("aarch64",)),
    Firmware("uefi-ia32", (6,), "PXEClient", _IA32, _PC),
    Firmware("uefi-ia32-http", (15,), "HTTPClient", _IA32, _PC),
    Firmware("uefi-arm32", (10,), "PXEClient", _ARM32, _ARM),
    Firmware("uefi-arm32-http", (18,), "HTTPClient", _ARM32, _ARM),
    Firmware("uefi-riscv64", (0x1B,), "PXEClient", _RISCV64, ("riscv64",)),
    Firmware("uefi-riscv64-http", (0x1C,), "HTTPClient", _RISCV64, ("riscv64",)),
    Firmware("uefi-loongarch64", (0x27,), "PXEClient", _LOONG64, ("loongarch64",)),
    Firmware("uefi-loongarch64-http", (0x28,), "HTTPClient", _LOONG64, ("loongarch64",)),
    Firmware("ppc64", (12,), "PXEClient", {"grub": ("grubppc64.elf",)}, ("ppc64", "ppc64le")),
    Firmware(
        "bios-http",
        (20,),
        "HTTPClient",
        {},
        refusal="no BIOS that boots by HTTP is known; let it boot by PXE",
    ),
    Firmware(
        "powernv", (14,), "PXEClient", {}, refusal="Petitboot starts kernels itself; give it one by hand"
    ),
    Firmware(
        "s390x",
        (31, 32),
        "PXEClient",
        {},
        refusal="s390x starts kernels itself; install it from a volume",
    ),
    Firmware(
        "raspberry-pi",
        (41,),
        "PXEClient",
        {},
        refusal="a Raspberry Pi asks for its own firmware's files; put UEFI firmware on its card",
    ),
    Firmware("uefi-ebc", (8,), "PXEClient", {}, refusal="EFI byte code names no processor"),
)
BUILDS: Mapping[str, tuple[str, ...]] = {
    "i386": _PC,
    "x86_64": _PC,
    "arm32": _ARM,
    "arm64": ("aarch64",),
    "riscv64": ("riscv64",),
    "loong64": ("loongarch64",),
}
"""What an iPXE starts, by its own word for the processor that it was built for (`${buildarch}`)."""
LOADERS: tuple[str, ...] = ("snponly.efi", "undionly.kpxe")
"""Those that the guests of an ordinary host need."""
# What is fetched beside a first loader: by shim, by PXELINUX.
COMPANIONS: Mapping[str, tuple[str, ...]] = {
    "shimx64.efi": ("grubx64.efi",),
    "shimaa64.efi": ("grubaa64.efi",),
    "shimia32.efi": ("grubia32.efi",),
    "lpxelinux.0": ("ldlinux.c32",),
    "pxelinux.0": ("ldlinux.c32",),
}
ALL: tuple[str, ...] = tuple(
    sorted(
        {name for row in FIRMWARES for names in row.loaders.values() for name in names}
        | {name for names in COMPANIONS.values() for name in names}
    )
)


def ordinary() -> tuple[tuple[Firmware, str], ...]:
    """The rows that are served by `LOADERS` alone, each with its iPXE."""
    rows = ((row, row.loader("ipxe", LOADERS)) for row in FIRMWARES)
    return tuple((row, name) for row, name in rows if name)


def by_name(name: str) -> Firmware | None:
    """The row of that name, None for a name of no row."""
    return next((row for row in FIRMWARES if row.name == name), None)


def by_code(code: int) -> Firmware | None:
    """The row for a DHCP option 93 code, None for a code that is in no row."""
    return next((row for row in FIRMWARES if code in row.codes), None)
