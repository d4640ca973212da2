"""The clients whose conversations are recorded: how each is booted, and the files that they may ask for."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPACE, BRIDGE, TAP, CARD, ADDRESS, PORT = "pvrec", "pvrec0", "pvrectap", "pvrecw", "192.168.177.1", 8080
MAC = "52:54:00:7e:57:01"
UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
SERIAL = ("-smbios", "type=1,serial=abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNO-")
NO_PXE = tuple(
    word
    for family in ("IPv4", "IPv6")
    for word in ("-fw_cfg", f"name=opt/org.tianocore/{family}PXESupport,string=n")
)
SYSTEMS = {
    "udhcp": ("busybox udhcpc", ()),
    "d-i": ("busybox udhcpc with debian-installer's vendor class", ("-V", "d-i")),
    "anaconda": ("busybox udhcpc with Anaconda's vendor class", ("-V", "anaconda-Linux 6.1.0 x86_64")),
}
ROOT = Path(os.environ.get("PVREC_ROOT", "/"))
_CARD = f"virtio-net-pci,netdev=n0,mac={MAC},bootindex=1"
_NO_ROM = f"{_CARD},romfile="
_OVMF = Path("/usr/share/OVMF")

_PXELINUX = "default install\nlabel install\n  kernel {kernel}\n"
_GRUB = "smbios --type 1 --get-string 7 --set serial\nexport serial\nconfigfile /grub/m/$net_default_mac\n"
_FILES = {
    "undionly.kpxe": Path("/usr/lib/ipxe/undionly.kpxe"),
    "snponly.efi": Path("/usr/lib/ipxe/snponly.efi"),
    "snponly-arm64.efi": ROOT / "usr/lib/ipxe/ipxe-arm64.efi",
    "pxelinux.0": ROOT / "usr/lib/PXELINUX/pxelinux.0",
    "lpxelinux.0": ROOT / "usr/lib/PXELINUX/lpxelinux.0",
    "ldlinux.c32": ROOT / "usr/lib/syslinux/modules/bios/ldlinux.c32",
    "shimx64.efi": ROOT / "usr/lib/shim/shimx64.efi.signed",
    "grubx64.efi": ROOT / "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
}


def files() -> dict[str, bytes]:
    """By name, those that are installed here; a configuration for each loader that reads one."""
    found = {name: path.read_bytes() for name, path in _FILES.items() if path.exists()}
    kernel = f"http://{ADDRESS}:{PORT}/tree/mini/vmlinuz"
    found["pxelinux.cfg/default"] = _PXELINUX.format(kernel=kernel).encode()
    found["grub/grub.cfg"] = _GRUB.encode()
    return found


@dataclass(frozen=True)
class Boot:
    """`first` is offered by hand until a loader was fetched; `ends` is part of the last file's name."""

    about: str
    words: Callable[[Path], list[str]]
    first: str = ""
    ends: str = "/boot/script/"
    discovers: bool = False
    """Offered without option 43, so that it asks port 4011."""
    seconds: float = 120


def bios() -> Callable[[Path], list[str]]:
    return lambda folder: _qemu("x86_64", "pc", _CARD, folder)


def uefi(device: str = _NO_ROM, *more: str) -> Callable[[Path], list[str]]:
    def words(folder: Path) -> list[str]:
        pflash = _flash(_OVMF / "OVMF_CODE_4M.fd", _OVMF / "OVMF_VARS_4M.fd", folder)
        return [*_qemu("x86_64", "pc", device, folder), *pflash, *more]

    return words


def secure(*more: str) -> Callable[[Path], list[str]]:
    """Secure Boot on, with the keys that are usual."""

    def words(folder: Path) -> list[str]:
        pflash = _flash(_OVMF / "OVMF_CODE_4M.ms.fd", _OVMF / "OVMF_VARS_4M.ms.fd", folder)
        closed = ("-global", "driver=cfi.pflash01,property=secure,value=on")
        return [*_qemu("x86_64", "q35,smm=on", _NO_ROM, folder), *closed, *pflash, *more]

    return words


def arm64(*more: str) -> Callable[[Path], list[str]]:
    def words(folder: Path) -> list[str]:
        share = ROOT / "usr/share/AAVMF"
        pflash = _flash(share / "AAVMF_CODE.fd", share / "AAVMF_VARS.fd", folder)
        machine = _qemu("aarch64", "virt,gic-version=2", _NO_ROM, folder)
        return [str(ROOT / "usr/bin" / machine[0]), *machine[1:], "-cpu", "cortex-a57", *pflash, *more]

    return words


def networkd(folder: Path) -> list[str]:
    """With a /run/systemd of its own; it waits for no udev where /sys is read-only."""
    script = (
        "mount -t tmpfs none /run/systemd && mkdir -p /run/systemd/network /run/systemd/netif && "
        "chown -R systemd-network:systemd-network /run/systemd/netif && mount -o remount,bind,ro /sys && "
        f"printf '[Match]\\nName={CARD}\\n[Network]\\nDHCP=ipv4\\n' > /run/systemd/network/pvrecw.network && "
        f"exec {ROOT / 'lib/systemd/systemd-networkd'}"
    )
    return ["unshare", "-m", "sh", "-c", script]


def udhcpc(name: str) -> Callable[[Path], list[str]]:
    words = ("busybox", "udhcpc", "-i", CARD, "-f", "-q", "-n", "-s", "/bin/true")
    return lambda folder: [*words, *SYSTEMS[name][1]]


def dhclient(folder: Path) -> list[str]:
    hook = folder / "script"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    program = str(ROOT / "sbin/dhclient")
    return [
        program,
        "-d",
        "-1",
        "-sf",
        str(hook),
        "-lf",
        str(folder / "leases"),
        "-cf",
        "/dev/null",
        "pvrecw",
    ]


def _qemu(architecture: str, machine: str, device: str, folder: Path) -> list[str]:
    words = [f"qemu-system-{architecture}", "-machine", f"{machine},accel=tcg", "-m", "512", "-uuid", UUID]
    words += ["-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no", "-device", device, *SERIAL]
    return [*words, "-display", "none", "-monitor", "none", "-serial", f"file:{folder / 'serial'}"]


def _flash(code: Path, variables: Path, folder: Path) -> list[str]:
    own = shutil.copy(variables, folder)
    return [
        *("-drive", f"if=pflash,format=raw,readonly=on,file={code}"),
        *("-drive", f"if=pflash,format=raw,file={own}"),
    ]


CLIENTS = {
    "bios-rom": Boot("SeaBIOS, the network card's iPXE ROM", bios()),
    "bios-undionly": Boot("SeaBIOS, iPXE ROM, then undionly.kpxe", bios(), "undionly.kpxe"),
    "bios-pxelinux": Boot("SeaBIOS, iPXE ROM, then PXELINUX", bios(), "pxelinux.0", "vmlinuz"),
    "bios-lpxelinux": Boot(
        "SeaBIOS, iPXE ROM, then lpxelinux, kernel by HTTP", bios(), "lpxelinux.0", "vmlinuz"
    ),
    "uefi-rom": Boot("OVMF, the network card's iPXE ROM", uefi(_CARD)),
    "uefi-pxe": Boot("OVMF's own PXE, then snponly.efi", uefi()),
    "uefi-4011": Boot("OVMF's own PXE, which asks port 4011, then snponly.efi", uefi(), discovers=True),
    "uefi-http": Boot("OVMF's HTTP Boot, then snponly.efi", uefi(_NO_ROM, *NO_PXE)),
    "uefi-shim": Boot("OVMF with Secure Boot, PXE: shim, then GRUB", secure(), "shimx64.efi", "grub/m/"),
    "uefi-http-shim": Boot(
        "OVMF with Secure Boot, HTTP Boot: shim, then GRUB 2.06, which stops there",
        secure(*NO_PXE),
        "shimx64.efi",
        "",
        seconds=90,
    ),
    "arm64-pxe": Boot("EDK2 for arm64, its PXE, then iPXE", arm64()),
    "arm64-http": Boot("EDK2 for arm64, HTTP Boot, then iPXE", arm64(*NO_PXE)),
    "networkd": Boot("systemd-networkd of an installed system", networkd, ends="", seconds=8),
    "dhclient": Boot("ISC dhclient of an installed system", dhclient, ends="", seconds=8),
    **{name: Boot(says, udhcpc(name), ends="", seconds=6) for name, (says, _) in SYSTEMS.items()},
}
