"""openSUSE Leap and SUSE Linux Enterprise from 16 on: a live system with Agama, answered by JSON."""

from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import suse
from provisioner.distros.base import Boot, Files, Needs, Signs, TreeFacts, join, serial

name = "agama"

PRODUCTS = f"install/{suse.PRODUCTS}"
"""An offline medium has its packages in a folder of their own."""
RUNTIME = "LiveOS/squashfs.img"


def answer_file(release: str) -> str:
    """A profile in JSON."""
    return "agama.json"


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of an offline medium. Raises Invalid for a repository without the installer."""
    found = suse.product(files.get(PRODUCTS, b""))
    if found:
        return layout(found, arch or "x86_64")
    found = suse.product(files.get(suse.PRODUCTS, b""))
    if found and not suse.by_yast(found):
        raise Invalid(
            f"this is the repository of release {found}, without its installer",
            remedy="use the offline installer: its ISO, or the folder that holds LiveOS/ and install/",
        )
    return None


def layout(release: str, arch: str) -> TreeFacts:
    """As the offline media have it. Raises Invalid for releases of YaST."""
    if suse.by_yast(release):
        raise Invalid(f"release {release!r} is not installed by Agama", remedy="its family is suse")
    folder = f"boot/{arch}/loader"
    return TreeFacts(name, release, f"{folder}/linux", f"{folder}/initrd", arch, (RUNTIME,))


def kernel_args(tree: Tree, boot: Boot) -> str:
    """dracut's words for the live system, Agama's for the rest.

    Source: "Agama network-based installation" and "Boot options" of Agama's documentation.
    """
    return join(
        attended_args(tree, boot.tree_url),
        f"inst.auto={boot.answer_url}",
        f"hostname={boot.hostname}",
        f"BOOTIF=01-{boot.mac.replace(':', '-')}" if boot.mac else "",
        serial(tree.arch),
    )


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB of a medium; shim is what firmware starts from it."""
    if tree.arch == "aarch64":
        return {"shimaa64.efi": "EFI/BOOT/bootaa64.efi", "grubaa64.efi": "EFI/BOOT/grub.efi"}
    return {"shimx64.efi": "EFI/BOOT/bootx64.efi", "grubx64.efi": "EFI/BOOT/grub.efi"}


def attended_args(tree: Tree, tree_url: str) -> str:
    """Where the live system and the packages are."""
    return join(
        f"root=live:{tree_url}/{RUNTIME}", "ip=dhcp", "rd.neednet=1", f"inst.install_url={tree_url}/install"
    )


def supports(release: str) -> frozenset[str]:
    """Nothing in its answers depends on the release here."""
    return frozenset()


def syntax(release: str) -> str:
    """Its answers' form is the same in all."""
    return ""


def needs(release: str) -> Needs:
    """By the network the live system lies in memory. Source: "Hardware requirements" of SLES 16."""
    return Needs(3072, 4, memory=4096, disk=12, medium=2048)


def signs() -> Signs:
    """As its log has them."""
    return ("agama",)


def cpu_level(release: str) -> int:
    """From 16 on programs are built for x86-64-v2."""
    return 2
