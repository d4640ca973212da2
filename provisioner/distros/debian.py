"""debian-installer: its network boot files in a Debian mirror, and the arguments that make it ask nothing."""

import re
from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros.base import SERIAL, Files, TreeFacts, join

name = "debian"
answer_file = "preseed.cfg"

_RELEASES = {"trixie": "13", "bookworm": "12", "bullseye": "11"}
"""Newest first: a mirror holds several, and its newest stable one is taken."""
_DISK_INFO = ".disk/info"
_MANIFESTS = ("MANIFEST", "images/MANIFEST", "current/images/MANIFEST")
probes = (
    "dists/stable/Release",
    *(f"dists/{codename}/Release" for codename in _RELEASES),
    _DISK_INFO,
    *_MANIFESTS,
)
_NETBOOT = "images/netboot/debian-installer/amd64"
_MEDIUM = "install/netboot/debian-installer/amd64"


def detect(files: Files) -> TreeFacts | None:
    """Facts of a mirror's root or of an unpacked medium. Raises Invalid for a folder inside a mirror."""
    for path in probes:
        if path in files and path.endswith("/Release"):
            return _mirror(_text(files, path))
    if _DISK_INFO in files:
        return _medium(_text(files, _DISK_INFO))
    if any("netboot/" in _text(files, path) for path in _MANIFESTS if path in files):
        raise Invalid(
            "this is a folder of installer images inside a Debian mirror, without the packages",
            remedy="add the mirror's root instead: the folder that holds dists/",
        )
    return None


def _text(files: Files, path: str) -> str:
    return files[path].decode("utf-8", "replace")


def _mirror(release: str) -> TreeFacts | None:
    fields: dict[str, str] = dict(
        re.findall(r"^(Origin|Codename|Architectures): *(.*)$", release, re.MULTILINE)
    )
    codename = fields.get("Codename", "")
    if fields.get("Origin") != "Debian" or not codename:
        return None
    if "amd64" not in fields.get("Architectures", "").split():
        raise Invalid(f"this Debian mirror holds no amd64 packages of {codename}")
    folder = f"dists/{codename}/main/installer-amd64/current/{_NETBOOT}"
    return _facts(_RELEASES.get(codename, codename), folder)


def _medium(info: str) -> TreeFacts | None:
    found = re.match(r"Debian GNU/Linux (\d+)(?:\.\d+)* .* amd64 ", info + " ")
    return _facts(str(found[1]), _MEDIUM) if found else None


def _facts(release: str, folder: str) -> TreeFacts:
    return TreeFacts(name, release, f"{folder}/linux", f"{folder}/initrd.gz")


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
    """What stands behind `---` is kept for the installed system.

    Host name and locale must stand here, because they are asked before the network is up, and the locale C
    would be asked for. Without IPv6 the installer does not wait for routers that nobody is; GNU screen and
    translated texts are of no use to an install that nobody watches.
    """
    host, _, domain = hostname.partition(".")
    return join(
        "auto=true",
        "priority=critical",
        f"url={answer_url}",
        "interface=auto",
        f"hostname={host}",
        f"domain={domain or 'localdomain'}",
        "locale=en_US.UTF-8",
        "keymap=us",
        f"log_host={syslog[0]} log_port={syslog[1]}" if syslog else "",
        "ipv6.disable=1",
        "DEBIAN_FRONTEND=text",
        "TERM=dumb",
        "DEBCONF_DROP_TRANSLATIONS=1",
        f"--- {SERIAL}",
    )


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB beside the kernel, as they are for netboot."""
    folder = tree.kernel.rpartition("/")[0]
    names = {"shimx64.efi": "bootnetx64.efi", "grubx64.efi": "grubx64.efi"}
    return {name: f"{folder}/{file}" for name, file in names.items()}


def attended_args(tree_url: str) -> str:
    """Nothing: the mirror is one of the questions."""
    return ""


def supports(release: str) -> frozenset[str]:
    """Nothing in a preseed file depends on the release here."""
    return frozenset()


def syntax(release: str) -> str:
    """A preseed file's form is the same in all."""
    return ""


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
