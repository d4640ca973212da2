"""What this machine itself tells without libvirt: its network devices and who may open /dev/kvm."""

import contextlib
import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.core.host import is_session

_NET = Path("/sys/class/net")
# What a device has that belongs to a guest already (a tap, a macvtap) or to a bridge or bond.
_BUSY = ("tun_flags", "macvtap", "master")
_KVM = Path("/dev/kvm")
_QEMU_USERS = ("libvirt-qemu", "qemu")
_BRIDGE_HELPERS = (Path("/usr/lib/qemu/qemu-bridge-helper"), Path("/usr/libexec/qemu-bridge-helper"))
_BRIDGE_RULES = Path("/etc/qemu/bridge.conf")


def is_local(uri: str) -> bool:
    """Whether a libvirt URI means this machine."""
    return not urlsplit(uri).netloc


def is_own(uri: str) -> bool:
    """Whether a libvirt URI means an ordinary user's own libvirt, which runs QEMU as that user."""
    return is_session(uri) and not (is_local(uri) and os.geteuid() == 0)


def is_test(uri: str) -> bool:
    """Whether a URI means libvirt's test driver, which has no machine behind it."""
    return urlsplit(uri).scheme.partition("+")[0] == "test"


def qemu_user() -> str:
    """The user that libvirt's system daemon runs QEMU as, "" where there is none."""
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name in _QEMU_USERS), "")


def network_devices(net: Path = _NET) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The bridges, and the other devices that a macvtap can sit on."""
    names = sorted(entry.name for entry in net.iterdir() if entry.is_dir())
    bridges = tuple(name for name in names if (net / name / "bridge").is_dir())
    others = tuple(name for name in names if name != "lo" and name not in bridges)
    return bridges, tuple(name for name in others if not any((net / name / it).exists() for it in _BUSY))


def lent(
    bridges: Iterable[str], helpers: Iterable[Path] = _BRIDGE_HELPERS, rules: Path = _BRIDGE_RULES
) -> tuple[str, ...]:
    """Those bridges that QEMU's helper, where it is set up, plugs an ordinary user's guests into."""
    if not any(helper.is_file() and helper.stat().st_mode & stat.S_ISUID for helper in helpers):
        return ()
    allowed, denied = set[str](), set[str]()
    for verb, name in _rules(rules):
        {"allow": allowed, "deny": denied}.get(verb, set()).add(name)
    if "all" in denied:
        return ()
    return tuple(name for name in bridges if {name, "all"} & allowed and name not in denied)


def _rules(file: Path) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            verb, _, name = line.partition("#")[0].strip().partition(" ")
            if verb == "include":
                yield from _rules(Path(name.strip()))
            elif verb:
                yield verb, name.strip()


def own_kvm_trouble(device: Path = _KVM) -> str:
    """Why QEMU, run as this user, cannot open /dev/kvm, "" where it can or there is none."""
    if not closed_to_us(device):
        return ""
    return f"{device} is closed to this user; its group is {_group(device.stat().st_gid)}"


def closed_to_us(device: Path) -> bool:
    """Whether a device is there, and this user may not both read and write it."""
    return device.exists() and not os.access(device, os.R_OK | os.W_OK)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def kvm_trouble(device: Path = _KVM) -> str:
    """Why libvirt's QEMU user cannot open /dev/kvm, "" where it can or there is none.

    libvirt, running as root, sees KVM and QEMU does not: it then probes QEMU again and again, and every
    guest takes the better part of a minute to start.
    """
    try:
        facts = device.stat()
        user = next(entry for entry in pwd.getpwall() if entry.pw_name in _QEMU_USERS)
    except (OSError, StopIteration):
        return ""
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    mode = facts.st_mode
    mine = facts.st_uid == user.pw_uid and mode & 0o600 == 0o600
    shared = facts.st_gid in groups and mode & 0o060 == 0o060
    if mine or shared or mode & 0o006 == 0o006:
        return ""
    group = _group(facts.st_gid)
    return (
        f"{device} (group {group}, mode {mode & 0o777:04o}) is closed to {user.pw_name}, so every "
        f"guest takes up to a minute to start; mend it with: chgrp kvm {device} && chmod 660 {device}"
    )
