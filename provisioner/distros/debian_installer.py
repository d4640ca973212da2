"""debian-installer: where its files lie, and the arguments that make it ask nothing.

Two families start it: Debian, and Ubuntu up to 18.04.
"""

from collections.abc import Mapping

from provisioner.distros.base import join, serial

ANSWER_FILE = "preseed.cfg"
ARCHES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of a processor to the name that `uname -m` writes."""
_SHIMS = {"x86_64": ("shimx64.efi", "grubx64.efi"), "aarch64": ("shimaa64.efi", "grubaa64.efi")}


def netboot(suite: str, arch: str, maker: str = "debian") -> str:
    """The folder of kernel and initrd below a mirror's root; `arch` is Debian's name.

    Source: Installation guide, chapter "Where to get installation files".
    """
    return f"dists/{suite}/main/installer-{arch}/current/images/netboot/{maker}-installer/{arch}"


def loaders(kernel: str, arch: str) -> Mapping[str, str]:
    """shim and GRUB beside the kernel, as they are for netboot: `bootnetx64.efi` and `grubx64.efi`."""
    folder = kernel.rpartition("/")[0]
    shim, grub = _SHIMS.get(arch, ("", ""))
    if not shim:
        return {}
    return {shim: f"{folder}/{shim.replace('shim', 'bootnet')}", grub: f"{folder}/{grub}"}


def kernel_args(*, answer_url: str, hostname: str, syslog: tuple[str, int] | None, arch: str) -> str:
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
        f"--- {serial(arch)}",
    )
