"""First loaders as a person sees them: what our names are called by distributions, and what a file is.

The names are those of `core.firmware`; beside them anybody may add files of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from provisioner.core.errors import Invalid
from provisioner.core.firmware import ALL, COMPANIONS, FIRMWARES, by_name

Family = Literal["apt", "dnf"]
FOLDERS = (
    "/usr/lib/ipxe",
    "/usr/share/ipxe",
    "/boot/efi/ipxe",
    "/usr/lib/shim",
    "/usr/lib/grub",
    "/usr/lib/PXELINUX",
    "/usr/lib/syslinux/modules/bios",
    "/usr/share/syslinux",
    "/boot/efi/EFI",
)
"""Where distributions put them: Debian's and Fedora's."""
MOST_BYTES = 64 * 1024 * 1024
"""A first loader is a few megabytes at most; what is larger is something else."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a loader comes from: paths below the folders of `loader_dirs`, the better one first.

    `apt` and `dnf` are the packages that bring it, "" where the family has none.
    """

    files: tuple[str, ...]
    apt: str = ""
    dnf: str = ""


# Those whose GRUB on the EFI system partition can netboot; Debian's there cannot.
_ESP = ("fedora", "redhat", "centos", "rocky", "almalinux")


def _shim(suffix: str, apt: str, dnf: str) -> Found:
    """Signed first: Debian has an unsigned one beside it."""
    name = f"shim{suffix}.efi"
    return Found((f"{name}.signed", name, *(f"{vendor}/{name}" for vendor in _ESP)), apt, dnf)


def _grub(suffix: str, folder: str, apt: str, dnf: str) -> Found:
    """GRUB for the network: Debian's other ones have no network in them. Signed first."""
    net, name = f"grubnet{suffix}.efi", f"grub{suffix}.efi"
    signed, unsigned = (f"{folder}-signed/{net}.signed", f"{net}.signed"), (f"{folder}/monolithic/{net}", net)
    return Found((*signed, name, *unsigned, *(f"{vendor}/{name}" for vendor in _ESP)), apt, dnf)


def _ipxe(ours: str, folder: str, theirs: str, dnf: str = "", apt: str = "") -> Found:
    return Found((f"snponly-{ours}.efi", f"{folder}/snponly.efi", f"ipxe-{theirs}.efi"), apt, dnf)


# Debian 12 and 13, Ubuntu, Fedora. A package of another processor is called NAME:ARCHITECTURE by apt.
SEARCH: Mapping[str, Found] = {
    "undionly.kpxe": Found(("undionly.kpxe",), "ipxe", "ipxe-bootimgs-x86"),
    "snponly.efi": Found(("snponly.efi", "ipxe-snponly-x86_64.efi"), "ipxe", "ipxe-bootimgs-x86"),
    "snponly-arm64.efi": _ipxe("arm64", "arm64-efi", "arm64", "ipxe-bootimgs-aarch64", "ipxe"),
    "snponly-ia32.efi": _ipxe("ia32", "i386-efi", "i386", "ipxe-bootimgs-x86"),
    "snponly-arm32.efi": _ipxe("arm32", "arm32-efi", "arm32"),
    "snponly-riscv64.efi": _ipxe("riscv64", "riscv64-efi", "riscv64"),
    "snponly-loong64.efi": _ipxe("loong64", "loong64-efi", "loong64"),
    "shimx64.efi": _shim("x64", "shim-signed", "shim-x64"),
    "shimaa64.efi": _shim("aa64", "shim-signed:arm64", "shim-aa64"),
    "shimia32.efi": _shim("ia32", "", "shim-ia32"),
    "shimarm.efi": _shim("arm", "", ""),
    "shimriscv64.efi": _shim("riscv64", "", ""),
    "shimloongarch64.efi": _shim("loongarch64", "", ""),
    "grubx64.efi": _grub("x64", "x86_64-efi", "grub-efi-amd64-signed", "grub2-efi-x64"),
    "grubaa64.efi": _grub("aa64", "arm64-efi", "grub-efi-arm64-signed:arm64", "grub2-efi-aa64"),
    "grubia32.efi": _grub("ia32", "i386-efi", "grub-efi-ia32-bin", "grub2-efi-ia32"),
    "grubarm.efi": _grub("arm", "arm-efi", "grub-efi-arm-bin:armhf", ""),
    "grubriscv64.efi": _grub("riscv64", "riscv64-efi", "grub-efi-riscv64-bin:riscv64", ""),
    "grubloongarch64.efi": _grub("loongarch64", "loongarch64-efi", "", ""),
    "grubppc64.elf": Found(("grubppc64.elf",)),
    "lpxelinux.0": Found(("lpxelinux.0",), "pxelinux", "syslinux-nonlinux"),
    "pxelinux.0": Found(("pxelinux.0",), "pxelinux", "syslinux-nonlinux"),
    "ldlinux.c32": Found(("ldlinux.c32",), "syslinux-common", "syslinux-nonlinux"),
}
# What a firmware's programs are made for, as `media.program` calls it.
_MACHINES: Mapping[str, str] = {
    "bios": "bios",
    "uefi": "x64",
    "uefi-arm64": "arm64",
    "uefi-ia32": "ia32",
    "uefi-arm32": "arm32",
    "uefi-riscv64": "riscv64",
    "uefi-loongarch64": "loongarch64",
    "ppc64": "ppc64",
}


def package(name: str, family: Family) -> str:
    """What brings a loader, "" where nothing does."""
    found = SEARCH.get(name)
    return getattr(found, family) if found else ""


def users(name: str) -> tuple[str, ...]:
    """The firmware rows that are given a loader, or whose loader fetches it."""
    starters = {first for first, names in COMPANIONS.items() if name in names} | {name}
    return tuple(
        row.name for row in FIRMWARES if any(starters & set(names) for names in row.loaders.values())
    )


def check_name(name: str) -> str:
    """Raises Invalid for a name that firmware may not ask for."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"loader name {name[:80]!r} is not usable: letters, digits and . _ + - only, 64 at most"
        )
    return name


def given(firmware: str) -> tuple[str, ...]:
    """Every name that a firmware's machines fetch. Raises Invalid for a firmware that takes no loader."""
    row = by_name(firmware)
    if row is None or not row.loaders:
        known = ", ".join(row.name for row in FIRMWARES if row.loaders)
        raise Invalid(f"{firmware[:60]!r} is no firmware that takes a loader; known are {known}")
    names = [name for group in row.loaders.values() for name in group]
    return tuple(dict.fromkeys([*names, *(other for name in names for other in COMPANIONS.get(name, ()))]))


def name_for(file: str, firmware: str) -> str:
    """Our name for a distribution's file: grubnetx64.efi.signed is grubx64.efi.

    Raises Invalid where the file's name does not tell, or the firmware is none.
    """
    names = given(firmware)
    for name in names:
        if file == name or file in {other.rpartition("/")[2] for other in SEARCH[name].files}:
            return name
    raise Invalid(
        f"{file[:80]} is none of the names that {firmware} firmware asks for: {', '.join(names)}",
        remedy=f"say which it is: provisioner loader add FILE --firmware {firmware} --name NAME",
    )


def machine_for(name: str, firmware: str) -> str:
    """What a file of this name must be made for. Raises Invalid for a name that is another firmware's."""
    names = given(firmware)
    if check_name(name) in ALL and name not in names:
        others = " or ".join(users(name))
        raise Invalid(
            f"{name} is given to {others} firmware, not to {firmware}, which asks for {', '.join(names)}"
        )
    return "bios module" if name.endswith(".c32") else _MACHINES[firmware.removesuffix("-http")]


@dataclass(frozen=True, slots=True)
class Signer:
    """A signature's certificate, by common names; `subject` is "" where the file does not hold it."""

    subject: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A line of SBAT: what is revoked below a generation, rather than file by file."""

    component: str
    generation: int


@dataclass(frozen=True, slots=True)
class LoaderFile:
    """A name that firmware may be given and the file behind it; `path` is "" where there is none.

    `firmware` are rows of `core.firmware`; `package` brought the file, or would on this host, "" where none
    does. `own` was added here. `size` in bytes, `sha256` in hex, `machine` what it is made for. `trusts` are
    the certificates by which a shim starts another program, `revokes` the generations below which it
    refuses one. `note` says what a person should know.
    """

    name: str
    firmware: tuple[str, ...]
    path: str = ""
    own: bool = False
    package: str = ""
    size: int = 0
    sha256: str = ""
    machine: str = ""
    signers: tuple[Signer, ...] = ()
    sbat: tuple[Generation, ...] = ()
    trusts: tuple[str, ...] = ()
    revokes: tuple[Generation, ...] = ()
    note: str = ""


def quarrel(first: LoaderFile, second: LoaderFile) -> str:
    """Why a shim will not start a program under Secure Boot, "" where it will as far as files tell."""
    return next(_quarrels(first, second), "")


def _quarrels(shim: LoaderFile, grub: LoaderFile) -> Iterator[str]:
    unsigned = [file for file in (shim, grub) if not file.signers]
    if unsigned:
        yield f"{unsigned[0].name} ({unsigned[0].path}) is not signed"
        return
    names = {name for signer in grub.signers for name in (signer.subject, signer.issuer)}
    if shim.trusts and not names & set(shim.trusts):
        by = " and ".join(signer.issuer for signer in grub.signers)
        yield f"{shim.name} trusts {' and '.join(shim.trusts)}, and {grub.name} is signed by {by}"
    least = {row.component: row.generation for row in shim.revokes}
    for part, generation in ((row.component, row.generation) for row in grub.sbat):
        if generation < least.get(part, 0):
            yield f"{shim.name} refuses {part} below {least[part]}, and {grub.name} has {generation}"
