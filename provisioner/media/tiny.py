"""The tiny image: a busybox system of a few MB that gets an address, reports, and offers a login.

For tests and for trying things out. A tar, so that it is made without root, in the time of packing it.
"""

import io
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from provisioner.media import cpio, initramfs, short
from provisioner.media.kernel import Kernel

_PASSWD = b"root:x:0:0:root:/root:/bin/sh\n"
_SHADOW = b"root:!*::0:99999:7:::\n"
_ABOUT = b"NAME=tiny\n"
_FOLDERS = ("dev", "home", "mnt", "proc", "root", "run", "sys", "tmp", "var")


def _system(kernel: Kernel, initrd: bytes) -> Iterator[cpio.Entry]:
    version = kernel.version
    yield from (cpio.folder(name) for name in _FOLDERS)
    yield cpio.file("etc/passwd", _PASSWD)
    yield cpio.file("etc/group", b"root:x:0:\n")
    yield cpio.file("etc/shadow", _SHADOW, 0o600)
    yield cpio.file("etc/hosts", b"127.0.0.1 localhost\n")
    yield cpio.file("etc/hostname", b"tiny\n")
    yield cpio.file("etc/provisioner-image", _ABOUT)
    yield cpio.file("etc/inittab", initramfs.script("tiny/inittab"))
    yield cpio.file("etc/rc", initramfs.script("tiny/rc"), 0o755)
    yield cpio.file("etc/acpi/PWRF/00000080", b"#!/bin/sh\npoweroff\n", 0o755)
    yield cpio.file("etc/lease", initramfs.script("lease"), 0o755)
    yield cpio.file(f"boot/vmlinuz-{version}", kernel.image.read_bytes())
    yield cpio.file(f"boot/initrd.img-{version}", initrd)
    yield cpio.link("sbin", "bin")
    yield from initramfs.busybox_entries(links=True)


def build(kernel: Kernel, cache: Path) -> bytes:
    """The image as an uncompressed tar, the same for the same inputs."""
    initrd = short.build(kernel, cache).read_bytes()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in _system(kernel, initrd):
            tar.addfile(_member(entry), io.BytesIO(entry.data if stat.S_ISREG(entry.mode) else b""))
    return made.getvalue()


def _member(entry: cpio.Entry) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.path)
    member.mode = stat.S_IMODE(entry.mode)
    if stat.S_ISDIR(entry.mode):
        member.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(entry.mode):
        member.type, member.linkname = tarfile.SYMTYPE, entry.data.decode()
    else:
        member.size = len(entry.data)
    return member
