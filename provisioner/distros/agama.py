"""openSUSE Leap and SUSE Linux Enterprise from 16 on: a live system with Agama, answered by JSON."""

from collections.abc import Mapping

from provisioner.core.profile import Tree
from provisioner.distros.base import Files, TreeFacts, join, serial

name = "agama"
probes: tuple[str, ...] = ()

_RUNTIME = "LiveOS/squashfs.img"


def answer_file(release: str) -> str:
    """A profile in JSON."""
    return "agama.json"


def detect(files: Files) -> TreeFacts | None:
    """Nothing yet: its media are told by no file that is looked at."""
    return None


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
    """dracut's words for the live system, Agama's for the rest.

    Source: "Agama network-based installation" and "Boot options" of Agama's documentation.
    """
    return join(
        attended_args(tree, tree_url),
        f"inst.auto={answer_url}",
        f"hostname={hostname}",
        f"BOOTIF=01-{mac.replace(':', '-')}" if mac else "",
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
        f"root=live:{tree_url}/{_RUNTIME}", "ip=dhcp", "rd.neednet=1", f"inst.install_url={tree_url}/install"
    )


def supports(release: str) -> frozenset[str]:
    """Nothing in its answers depends on the release here."""
    return frozenset()


def syntax(release: str) -> str:
    """Its answers' form is the same in all."""
    return ""


def cpu_level(release: str) -> int:
    """From 16 on programs are built for x86-64-v2."""
    return 2
