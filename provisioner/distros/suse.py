"""openSUSE Leap 15 and SUSE Linux Enterprise 12 and 15: linuxrc starts YaST, AutoYaST answers it."""

import re
from collections.abc import Mapping

from provisioner.core.profile import Tree
from provisioner.distros.base import Files, TreeFacts, join, major, serial

name = "suse"

AGAMA = 16
"""From this release on another installer reads other answers."""
BEFORE_LEAP = 40
"""Leap began at 42 and went back to 15: numbers from here on are older than those."""
_PRODUCTS = "media.1/products"
probes = (_PRODUCTS,)
_NAMES = re.compile(r"(?:openSUSE-Leap|SLES|SLED|SUSE-Linux-Enterprise-\S*?) (\d+(?:[.-]\S+?)?)-\d", re.ASCII)


def answer_file(release: str) -> str:
    """AutoYaST's profile in all."""
    return "autoinst.xml"


def detect(files: Files) -> TreeFacts | None:
    """Facts of a tree whose `media.1/products` names a release that YaST installs."""
    found = _NAMES.search(files[_PRODUCTS].decode("utf-8", "replace")) if _PRODUCTS in files else None
    if not found or not by_yast(found[1]):
        return None
    folder = "boot/x86_64/loader"
    return TreeFacts(name, found[1], f"{folder}/linux", f"{folder}/initrd")


def by_yast(release: str) -> bool:
    """Whether YaST installs the release; Agama does otherwise."""
    return major(release) not in range(AGAMA, BEFORE_LEAP)


def kernel_args(
    tree: Tree,
    *,
    root: str,
    tree_url: str,
    answer_url: str,
    hostname: str,
    mac: str,
    syslog: tuple[str, int] | None,
) -> str:
    """linuxrc's words. Source: its reference (en.opensuse.org/SDB:Linuxrc)."""
    return join(
        f"install={tree_url}",
        f"autoyast={answer_url}",
        "netsetup=dhcp",
        f"netdevice={mac}" if mac else "",
        f"hostname={hostname}",
        f"loghost={syslog[0]}:{syslog[1]}" if syslog else "",
        "textmode=1",
        serial(tree.arch),
    )


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB of a medium; shim is what firmware starts from it."""
    if tree.arch == "aarch64":
        return {"shimaa64.efi": "EFI/BOOT/bootaa64.efi", "grubaa64.efi": "EFI/BOOT/grub.efi"}
    return {"shimx64.efi": "EFI/BOOT/bootx64.efi", "grubx64.efi": "EFI/BOOT/grub.efi"}


def attended_args(tree: Tree, tree_url: str) -> str:
    """Where the packages are; the rest is asked."""
    return f"install={tree_url} netsetup=dhcp"


def supports(release: str) -> frozenset[str]:
    """Nothing in its answers depends on the release here."""
    return frozenset()


def syntax(release: str) -> str:
    """The number of the release whose schema holds."""
    return str(major(release))


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
