"""An arm64 machine, and what it netboots, from Debian's packages: loaders, a tree of the mini installer.

The machine is no guest: QEMU is started here, as if somebody had switched hardware on.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from provisioner import __version__
from provisioner.media import cpio, initramfs, mini, treeinfo
from provisioner.media.kernel import host_kernel
from tests.lab.debian_apt import Apt, archive
from tests.lab.networks import run

SUITE = "trixie"
FIRMWARE = Path("/usr/share/AAVMF")
NO_KEYS, MICROSOFT = "AAVMF_VARS.fd", "AAVMF_VARS.ms.fd"
TOOL = "qemu-system-aarch64"
_PACKAGES = ("busybox-static", "grub-efi-arm64-signed", "ipxe", "shim-signed")
_KERNEL = "linux-image-cloud-arm64"
_TICKS = os.sysconf("SC_CLK_TCK")


def missing() -> str:
    """What this host lacks for such a machine, "" for nothing."""
    wanted = {TOOL: shutil.which(TOOL), str(FIRMWARE): FIRMWARE.is_dir(), "apt-get": shutil.which("apt-get")}
    return ", ".join(name for name, there in wanted.items() if not there)


def unpacked(cache: Path) -> Path:
    """The packages' files in one folder, downloaded once."""
    whole = cache / "whole"
    if not whole.is_dir():
        apt = Apt(cache / "apt", archive(), SUITE, "arm64")
        apt.update()
        depends = next(row["Depends"] for row in apt.packages() if row["Package"] == _KERNEL)
        part = cache / "part"
        shutil.rmtree(part, ignore_errors=True)
        for package in (*_PACKAGES, depends.split()[0]):
            run("dpkg-deb", "-x", str(apt.fetch(package, cache / "debs")), str(part))
        part.rename(whole)
    return whole


def make_tree(whole: Path, tree: Path, cache: Path) -> None:
    """The mini installer without programs that fill a disk: it goes as far as its answer file and %pre."""
    (image,) = whole.glob("boot/vmlinuz-*")
    kernel = host_kernel(image.parent, whole / "usr/lib/modules")
    content = cpio.archive(
        [
            *initramfs.script_entries(),
            cpio.file("bin/busybox", (whole / "usr/bin/busybox").read_bytes(), 0o755),
            cpio.link("bin/sh", "busybox"),
            *initramfs.driver_entries(kernel),
        ]
    )
    (tree / "images/pxeboot").mkdir(parents=True)
    shutil.copyfile(image, tree / treeinfo.KERNEL)
    shutil.copyfile(mini.pack(content, cache / "initramfs", 3), tree / treeinfo.INITRD)
    treeinfo.write(tree, mini.NAME, mini.SHORT, __version__, "aarch64")


class Machine:
    """A machine that is on. `log` is what it says on its serial line."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._begun = time.monotonic()
        self.log = log

    def said(self) -> str:
        assert self._process.poll() is None, "the emulator has ended"
        return self.log.read_text(errors="replace")

    def spent(self) -> str:
        """Seconds since it was switched on, and what the emulator used of the processor."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / _TICKS
        return f"{time.monotonic() - self._begun:.1f} s, {used:.1f} s of CPU"


@contextmanager
def machine(
    place: Path, bridge: str, mac: str, environment: Mapping[str, str], *settings: str, keys: str = NO_KEYS
) -> Iterator[Machine]:
    """Switched on; `place` holds its variables and log.

    `settings` are fw_cfg entries, `keys` the firmware's variables: Secure Boot is on where there are keys.
    """
    tap, variables, log = f"{bridge}arm", place / "vars.fd", place / "serial.log"
    place.mkdir()
    log.touch()
    shutil.copyfile(FIRMWARE / keys, variables)
    command = [
        *(TOOL, "-nodefaults", "-machine", "virt,gic-version=2", "-cpu", "cortex-a57", "-m", "1024"),
        *("-display", "none", "-monitor", "none", "-serial", f"file:{log}"),
        *("-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}/AAVMF_CODE.fd"),
        *("-drive", f"if=pflash,format=raw,file={variables}"),
        *("-netdev", f"tap,id=n0,ifname={tap},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=n0,mac={mac}", "-device", "virtio-rng-pci"),
        *(word for setting in settings for word in ("-fw_cfg", setting)),
    ]
    run("ip", "tuntap", "add", tap, "mode", "tap")
    try:
        run("ip", "link", "set", tap, "up", "master", bridge)
        # The service's environment marks the process for the sweep after a lab that was cut off.
        with subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL) as process:
            try:
                yield Machine(process, log)
            finally:
                process.kill()
    finally:
        run("ip", "link", "del", tap, check=False)
