"""Anaconda's boot contract: what its `.treeinfo` says, and the arguments it is started with.

Three families keep it: Red Hat's and its rebuilds, Fedora, and our mini installer.
"""

import configparser
from dataclasses import dataclass
from typing import Any

from productmd.treeinfo import TreeInfo

from provisioner.core.errors import Invalid
from provisioner.distros.base import Files, join, serial

PROBES = (".treeinfo", "treeinfo")
ANSWER_FILE = "ks.cfg"
LOADERS = {
    "shimx64.efi": "EFI/BOOT/BOOTX64.EFI",
    "grubx64.efi": "EFI/BOOT/grubx64.efi",
    "shimaa64.efi": "EFI/BOOT/BOOTAA64.EFI",
    "grubaa64.efi": "EFI/BOOT/grubaa64.efi",
}
"""A tree's shim and GRUB: BOOTX64.EFI is what firmware starts from a medium."""


@dataclass(frozen=True, slots=True)
class Described:
    """`name` is who made the tree ("CentOS"), `version` as written ("7", "8.10"), `arch` as `uname -m`."""

    name: str
    version: str
    kernel: str
    initrd: str
    arch: str


def described(files: Files) -> Described | None:
    """What a tree's `.treeinfo` says, None where it has none; hosts that hide dot files have `treeinfo`."""
    for path in PROBES:
        if path in files:
            return _read(files[path].decode("utf-8", "replace"))
    return None


def _read(text: str) -> Described:
    try:
        return _by_productmd(text)
    except Exception:
        # Sparse files of older releases break productmd in many ways, and none of them matters here.
        return _by_section(text)


def _by_productmd(text: str) -> Described:
    info: Any = TreeInfo()  # type: ignore[no-untyped-call]
    info.loads(text)
    arch = info.tree.arch
    images = info.images.images[arch]
    return Described(info.release.name, info.release.version, images["kernel"], images["initrd"], arch)


def _by_section(text: str) -> Described:
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string(text)
        general = ini["general"]
        images = ini[f"images-{general['arch']}"]
        name = general.get("family") or general["name"]
        return Described(name, general["version"], images["kernel"], images["initrd"], general["arch"])
    except (configparser.Error, KeyError) as error:
        raise Invalid(
            f"the tree's .treeinfo cannot be used: {error}",
            remedy="look whether the tree is complete; .treeinfo must name kernel and initrd",
        ) from error


def kernel_args(
    *,
    tree_url: str,
    answer_url: str,
    mac: str,
    syslog: tuple[str, int] | None,
    arch: str,
) -> str:
    """The line for releases that take the `inst.` prefix (from EL 7 on)."""
    return join(
        f"inst.ks={answer_url}",
        "inst.ks.sendmac",
        f"inst.repo={tree_url}",
        "ip=dhcp",
        _bootif(mac),
        f"inst.syslog={syslog[0]}:{syslog[1]}" if syslog else "",
        "inst.text",
        serial(arch),
    )


def old_kernel_args(
    *,
    tree_url: str,
    answer_url: str,
    mac: str,
    syslog: tuple[str, int] | None,
    arch: str,
) -> str:
    """The line for releases before the prefix (EL 6): the loader's own words, and `ksdevice` for the card.

    Source: the boot options of Anaconda 13 (docs/boot-options.txt in its source).
    """
    return join(
        f"ks={answer_url}",
        "kssendmac",
        f"repo={tree_url}",
        "ip=dhcp",
        f"ksdevice=bootif {_bootif(mac)}" if mac else "",
        f"syslog={syslog[0]}:{syslog[1]}" if syslog else "",
        "text",
        serial(arch),
    )


def _bootif(mac: str) -> str:
    """The card that was booted from, in PXELINUX's words: 01 for Ethernet."""
    return f"BOOTIF=01-{mac.replace(':', '-')}" if mac else ""
