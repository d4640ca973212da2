"""The short initramfs of an installed system: its drivers, and a script that finds the root and hands over.

A distribution's own asks what the machine is made of, with udev; this one knows that it is a virtual machine.
"""

from pathlib import Path

from provisioner.media import cpio, initramfs, mini
from provisioner.media.kernel import Kernel

_DRIVERS = ("base", "scsi", "random", "power")


def build(kernel: Kernel, cache: Path) -> Path:
    """The packed archive, kept in the cache."""
    folders = [cpio.folder(name) for name in ("bin", "dev", "proc", "root", "run", "sys")]
    content = cpio.archive(
        [
            *folders,
            cpio.character("dev/console", 5, 1),
            cpio.file("init", initramfs.script("short/init"), 0o755),
            *initramfs.busybox_entries(links=False),
            *initramfs.driver_entries(kernel, _DRIVERS),
        ]
    )
    return mini.pack(content, cache / "short", 19)
