"""openSUSE Leap 15 and SUSE Linux Enterprise 12 and 15: linuxrc starts YaST, AutoYaST answers it."""

import re
from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import anaconda
from provisioner.distros.base import Boot, Files, Needs, Signs, TreeFacts, join, major, serial

name = "suse"

FIRST = 12
AGAMA = 16
"""From this release on another installer reads other answers."""
BEFORE_LEAP = 40
"""Leap began at 42 and went back to 15: numbers from here on are older than those."""
PRODUCTS = "media.1/products"
"""One product a line: a folder, the product's name, its version and release."""
_LINE = re.compile(r"(openSUSE-Leap|Leap|SLE\S*|SUSE-Linux-Enterprise\S*) (?P<version>\d\S*?)(-\d\S*)?")
CONTENT = "content"
"""What media up to 12 and Leap 42 describe themselves in."""
_DISTRO = re.compile(r"^DISTRO +\S+,(?:openSUSE|SUSE Linux)\D+ (\d\S*(?: SP\d)?)$", re.MULTILINE)
_PACK = re.compile(r"(\d+)[ .-]?SP(\d)", re.IGNORECASE)


def answer_file(release: str) -> str:
    """AutoYaST's profile in all."""
    return "autoinst.xml"


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of a tree whose `.treeinfo` or `media.1/products` names a release that YaST installs.

    Raises Invalid for Tumbleweed, which has no releases, and for ones before 12.
    """
    found, machine = _named(files) or ("", "")
    if not found:
        found = product(files.get(PRODUCTS, b"")) or _content(files.get(CONTENT, b""))
        machine = arch or "x86_64"
    return layout(found, machine) if found and by_yast(found) else None


def _named(files: Files) -> tuple[str, str] | None:
    """Release and processor of SUSE's own `.treeinfo`."""
    if not any(b"suse" in files.get(path, b"").lower() for path in anaconda.TREEINFO):
        return None
    if any(b"tumbleweed" in files.get(path, b"").lower() for path in anaconda.TREEINFO):
        raise Invalid("this is openSUSE Tumbleweed, which has no releases; Leap and SLES have")
    found = anaconda.described(files)
    return (numbered(found.version), found.arch) if found else None


def product(text: bytes) -> str:
    """The release that a `products` file names: `/ openSUSE-Leap 15.6-1` gives 15.6. "" where none is."""
    for line in text.decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line.partition(" ")[2].strip())
        if found:
            return numbered(found["version"])
    return ""


def _content(text: bytes) -> str:
    found = _DISTRO.search(text.decode("utf-8", "replace"))
    return numbered(found[1]) if found else ""


def numbered(version: str) -> str:
    """`15 SP4` and `12-SP5` as 15.4 and 12.5."""
    found = _PACK.fullmatch(version)
    return f"{found[1]}.{found[2]}" if found else version


def layout(release: str, arch: str) -> TreeFacts:
    """As YaST's media have it. Raises Invalid for releases before 12."""
    if major(release) < FIRST:
        raise Invalid(f"SUSE {release!r} cannot be installed: {FIRST} is the first that can")
    folder = "boot/x86_64/loader" if arch == "x86_64" else f"boot/{arch}"
    return TreeFacts(name, release, f"{folder}/linux", f"{folder}/initrd", arch)


def by_yast(release: str) -> bool:
    """Whether YaST installs the release; Agama does otherwise."""
    return major(release) not in range(AGAMA, BEFORE_LEAP)


def kernel_args(tree: Tree, boot: Boot) -> str:
    """linuxrc's words. Source: its reference (en.opensuse.org/SDB:Linuxrc)."""
    return join(
        f"install={boot.tree_url}",
        f"autoyast={boot.answer_url}",
        "netsetup=dhcp",
        f"netdevice={boot.mac}" if boot.mac else "",
        f"hostname={boot.hostname}",
        f"loghost={boot.syslog[0]}:{boot.syslog[1]}" if boot.syslog else "",
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


def needs(release: str) -> Needs:
    """Source: "Hardware requirements" of the deployment guides; by the network more than from a DVD."""
    return Needs(1024, 3, memory=1536, disk=10, medium=768)


def signs() -> Signs:
    """As its log has them."""
    return ("suse",)


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
