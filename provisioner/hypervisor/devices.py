"""What this machine itself tells without libvirt: its network devices and who may open /dev/kvm."""

import grp
import os
import pwd
from pathlib import Path
from urllib.parse import urlsplit

_NET = Path("/sys/class/net")
# What a device has that belongs to a guest already (a tap, a macvtap) or to a bridge or bond.
_BUSY = ("tun_flags", "macvtap", "master")
_KVM = Path("/dev/kvm")
_QEMU_USERS = ("libvirt-qemu", "qemu")


def is_local(uri: str) -> bool:
    """Whether a libvirt URI means this machine."""
    return not urlsplit(uri).netloc


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
    try:
        group = grp.getgrgid(facts.st_gid).gr_name
    except KeyError:
        group = str(facts.st_gid)
    return (
        f"{device} (group {group}, mode {mode & 0o777:04o}) is closed to {user.pw_name}, so every "
        f"guest takes up to a minute to start; mend it with: chgrp kvm {device} && chmod 660 {device}"
    )
