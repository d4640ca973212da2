"""Anaconda's boot contract: what its `.treeinfo` says, and the arguments it is started with.

Three families keep it: Red Hat's and its rebuilds, Fedora, and our mini installer.
"""

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from productmd.treeinfo import TreeInfo

from provisioner.core.errors import Invalid
from provisioner.distros.base import Boot, Files, TreeFacts, join, serial

TREEINFO = (".treeinfo", "treeinfo")
"""Hosts that hide dot files have the second."""
DISCINFO = ".discinfo"
ANSWER_FILE = "ks.cfg"
KERNEL, INITRD = "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"
LOADERS = {
    "shimx64.efi": "EFI/BOOT/BOOTX64.EFI",
    "grubx64.efi": "EFI/BOOT/grubx64.efi",
    "shimaa64.efi": "EFI/BOOT/BOOTAA64.EFI",
    "grubaa64.efi": "EFI/BOOT/grubaa64.efi",
}
"""A tree's shim and GRUB: BOOTX64.EFI is what firmware starts from a medium."""
_CHECKSUM = re.compile(r"(sha256|sha512|sha1|md5):[0-9a-f]{32,128}")


@dataclass(frozen=True, slots=True)
class Described:
    """`name` is who made the tree ("CentOS"), `version` as written ("7", "8.10"), `arch` as `uname -m`.

    `kernel`, `initrd` and `runtime` (the installer's own root file system) are "" where they are not named.
    """

    name: str
    version: str
    arch: str
    kernel: str = ""
    initrd: str = ""
    runtime: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)

    def facts(self, family: str) -> TreeFacts:
        """With the paths of every Anaconda where others are not named."""
        return TreeFacts(
            family,
            self.version,
            self.kernel or KERNEL,
            self.initrd or INITRD,
            self.arch,
            (self.runtime,) if self.runtime else (),
            self.checksums,
        )


def described(files: Files) -> Described | None:
    """What a tree says of itself, None where it says nothing.

    `.treeinfo` is asked first, then `.discinfo`, which names no files. Raises Invalid for a broken one.
    """
    for path in TREEINFO:
        if path in files:
            return _read(files[path].decode("utf-8", "replace"))
    if DISCINFO in files:
        return _disc(files[DISCINFO].decode("utf-8", "replace"))
    return None


def _read(text: str) -> Described:
    try:
        found = _by_section(text)
    except (configparser.Error, KeyError) as error:
        try:
            found = _by_productmd(text)
        except Exception:
            # Broken files break productmd in many ways; the reason that is told is the first one.
            reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
            raise Invalid(
                f"the tree's .treeinfo cannot be used: {reason}",
                remedy="look whether the tree is complete; .treeinfo must name its release and processor",
            ) from error
    words = (found.name, found.version, found.arch, found.kernel, found.initrd, found.runtime)
    if not all(word.isprintable() for word in words):
        raise Invalid("the tree's .treeinfo cannot be used: a line break or control character is in a name")
    # Builds for newer processors alone have names of their own: x86_64_v2.
    return replace(found, arch="x86_64") if found.arch.startswith("x86_64") else found


def _by_section(text: str) -> Described:
    """By the section [general], which files of every age have."""
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    ini.optionxform = str  # type: ignore[assignment,method-assign]  # paths are keys: case counts
    ini.read_string(text)
    general = ini["general"]
    arch = general["arch"]
    rest: Mapping[str, Mapping[str, str]] = dict(ini)
    images, stage2 = rest.get(f"images-{arch}", {}), rest.get("stage2", {})
    sums = rest.get("checksums", {})
    return Described(
        general.get("family") or general["name"],
        general.get("version", ""),
        arch,
        images.get("kernel", ""),
        images.get("initrd", ""),
        stage2.get("mainimage", ""),
        {path: value for path, value in sums.items() if _CHECKSUM.fullmatch(value)},
    )


def _by_productmd(text: str) -> Described:
    info: Any = TreeInfo()  # type: ignore[no-untyped-call]
    info.loads(text)
    images = info.images.images.get(info.tree.arch, {})
    return Described(
        info.release.name,
        info.release.version,
        info.tree.arch,
        images.get("kernel", ""),
        images.get("initrd", ""),
        info.stage2.mainimage or "",
        {path: f"{kind}:{value}" for path, (kind, value) in info.checksums.checksums.items()},
    )


def _disc(text: str) -> Described | None:
    """Three lines: a time, what it is ("CentOS Linux 7.6"), the processor. None for a name without a number.

    Source: Anaconda's makestamp.py, and any medium since Red Hat Linux 7.
    """
    lines = [*text.splitlines(), "", "", ""]
    found = re.fullmatch(r"(\D+?) ?(\d[\d.]*)( .*)?", lines[1].strip())
    return Described(found[1].strip(), found[2], lines[2].strip()) if found else None


def kernel_args(boot: Boot, arch: str) -> str:
    """The line for releases that take the `inst.` prefix (from EL 7 on)."""
    return join(
        f"inst.ks={boot.answer_url}",
        "inst.ks.sendmac",
        f"inst.repo={boot.tree_url}",
        "ip=dhcp",
        _bootif(boot.mac),
        f"inst.syslog={boot.syslog[0]}:{boot.syslog[1]}" if boot.syslog else "",
        "inst.text",
        serial(arch),
    )


def old_kernel_args(boot: Boot, arch: str) -> str:
    """The line for releases before the prefix (EL 6): the loader's own words, and `ksdevice` for the card.

    Source: the boot options of Anaconda 13 (docs/boot-options.txt in its source).
    """
    return join(
        f"ks={boot.answer_url}",
        "kssendmac",
        f"repo={boot.tree_url}",
        "ip=dhcp",
        f"ksdevice=bootif {_bootif(boot.mac)}" if boot.mac else "",
        f"syslog={boot.syslog[0]}:{boot.syslog[1]}" if boot.syslog else "",
        "text",
        serial(arch),
    )


def _bootif(mac: str) -> str:
    """The card that was booted from, in PXELINUX's words: 01 for Ethernet."""
    return f"BOOTIF=01-{mac.replace(':', '-')}" if mac else ""
