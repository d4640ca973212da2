"""debian-installer: where its files lie, and the arguments that make it ask nothing.

Two families start it: Debian, and Ubuntu up to 18.04.
"""

import re
from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.distros.base import Boot, Files, join, serial

ANSWER_FILE = "preseed.cfg"
ARCHES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of a processor to the name that `uname -m` writes."""
DISK_INFO = ".disk/info"
MANIFESTS = ("MANIFEST", "images/MANIFEST", "current/images/MANIFEST", "current/legacy-images/MANIFEST")
"""What lists the images in the folders of a mirror that have no packages."""
_SHIMS = {"x86_64": ("shimx64.efi", "grubx64.efi"), "aarch64": ("shimaa64.efi", "grubaa64.efi")}


def netboot(suite: str, arch: str, maker: str = "debian") -> str:
    """The folder of kernel and initrd below a mirror's root; `arch` is Debian's name.

    Source: Installation guide, chapter "Where to get installation files".
    """
    return f"dists/{suite}/main/installer-{arch}/current/images/netboot/{maker}-installer/{arch}"


def called(arch: str) -> str:
    """Debian's name of a processor. Raises Invalid for one that nothing here is for."""
    for name, machine in ARCHES.items():
        if arch in (name, machine):
            return name
    raise Invalid(f"processor {arch!r} is not known here; known are {', '.join(ARCHES.values())}")


def release_file(files: Files, codename: str) -> Mapping[str, str]:
    """The fields of a suite's Release file, by their names; none where it is not there."""
    text = files.get(f"dists/{codename}/Release", b"").decode("utf-8", "replace")
    return dict(re.findall(r"^(Origin|Codename|Architectures): *(.*)$", text, re.MULTILINE))


def held(fields: Mapping[str, str], wanted: str) -> str:
    """Which processor a mirror is used for, by Debian's name. Raises Invalid where it has it not."""
    there = fields.get("Architectures", "").split()
    names = [called(wanted)] if wanted else list(ARCHES)
    found = next((name for name in names if name in there), "")
    if not found:
        raise Invalid(
            f"this mirror holds {fields['Codename']} for {', '.join(there) or 'no processor'}, "
            f"not for {' or '.join(names)}",
            remedy="name another mirror",
        )
    return found


def refuse_images(files: Files) -> None:
    """Raises Invalid for a folder inside a mirror that has the installer's images alone."""
    if any(b"netboot/" in files[path] for path in MANIFESTS if path in files):
        raise Invalid(
            "this is a folder of installer images inside a Debian or Ubuntu mirror, without the packages",
            remedy="add the mirror's root instead: the folder that holds dists/",
        )


def loaders(kernel: str, arch: str, boot: str = "bootnet") -> Mapping[str, str]:
    """shim and GRUB beside the kernel, as they are for netboot: `bootnetx64.efi` and `grubx64.efi`."""
    folder = kernel.rpartition("/")[0]
    shim, grub = _SHIMS.get(arch, ("", ""))
    if not shim:
        return {}
    return {shim: f"{folder}/{shim.replace('shim', boot)}", grub: f"{folder}/{grub}"}


def kernel_args(boot: Boot, arch: str) -> str:
    """What stands behind `---` is kept for the installed system.

    Host name and locale must stand here, because they are asked before the network is up, and the locale C
    would be asked for; name servers too, which netcfg asks for where DHCP names none, and only there. Without
    IPv6 the installer does not wait for routers that nobody is; GNU screen and translated texts are of no use
    to an install that nobody watches.
    """
    host, _, domain = boot.hostname.partition(".")
    return join(
        "auto=true",
        "priority=critical",
        f"url={boot.answer_url}",
        "interface=auto",
        f"hostname={host}",
        f"domain={domain or 'localdomain'}",
        "netcfg/get_nameservers=",
        "locale=en_US.UTF-8",
        "keymap=us",
        f"log_host={boot.syslog[0]} log_port={boot.syslog[1]}" if boot.syslog else "",
        "ipv6.disable=1",
        "DEBIAN_FRONTEND=text",
        "TERM=dumb",
        "DEBCONF_DROP_TRANSLATIONS=1",
        f"--- {serial(arch)}",
    )
