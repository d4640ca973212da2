"""Small good images of every format, made by the real qemu-img, and the bytes of ISOs and tables."""

import bz2
import gzip
import lzma
import struct
import subprocess
from pathlib import Path

SIZE = 2 * 1024 * 1024
CANARY = b"THE-CANARY-OF-THE-HOST-MUST-NOT-APPEAR"


def run(*words: str | Path, cwd: Path | None = None) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, cwd=cwd, timeout=60)


def mbr(sectors: int = SIZE // 512, kind: int = 0x83) -> bytes:
    """A boot sector with one partition that fills the disk."""
    entry = struct.pack("<B3xB3xII", 0x80, kind, 1, sectors - 1)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def raw() -> bytes:
    """A disk with a partition and something in it."""
    return (mbr() + bytes(range(256)) * 400).ljust(SIZE, b"\0")


def gpt() -> bytes:
    """A disk with a GPT: its protective MBR and its header."""
    header = struct.pack("<8sIIIIQQQQ16sQII", b"EFI PART", 0x10000, 92, 0, 0, 1, SIZE // 512 - 1, 34,
                         SIZE // 512 - 34, bytes(16), 2, 128, 128)  # fmt: skip
    return (mbr(kind=0xEE) + header).ljust(SIZE, b"\0")


def iso(label: bytes = b"TEST", *, blocks: int = 64) -> bytes:
    """The first descriptor of an ISO 9660 image, and nothing in it."""
    pvd = bytearray(2048)
    pvd[0:7] = b"\1CD001\1"
    pvd[40:72] = label.ljust(32)
    pvd[80:88] = struct.pack("<I", blocks) + struct.pack(">I", blocks)
    pvd[128:132] = struct.pack("<H", 2048) + struct.pack(">H", 2048)
    return (bytes(32768) + bytes(pvd)).ljust(blocks * 2048, b"\0")


OPTIONS = {
    "qcow2": ("qcow2",),
    "qcow2-v2": ("qcow2", "-o", "compat=0.10"),
    "qcow2-zstd": ("qcow2", "-c", "-o", "compression_type=zstd"),
    "qcow2-extended": ("qcow2", "-o", "extended_l2=on,cluster_size=64k"),
    "qcow2-small": ("qcow2", "-o", "cluster_size=512"),
    "qcow2-huge": ("qcow2", "-o", "cluster_size=2M,lazy_refcounts=on"),
    "vmdk": ("vmdk",),
    "vmdk-stream": ("vmdk", "-o", "subformat=streamOptimized"),
    "vdi": ("vdi",),
    "vdi-static": ("vdi", "-o", "static=on"),
    "vhd": ("vpc",),
    "vhd-fixed": ("vpc", "-o", "subformat=fixed"),
    "vhdx": ("vhdx",),
    "vhdx-fixed": ("vhdx", "-o", "subformat=fixed"),
    "raw": ("raw",),
}
FORMAT = {"qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vhd", "vhdx": "vhdx", "raw": "raw"}


def make(folder: Path) -> dict[str, bytes]:
    """Every good image by its name."""
    (folder / "raw").write_bytes(raw())
    found = {"gpt": gpt(), "iso": iso(), "iso-hybrid": mbr(256) + iso()[512:]}
    for name, options in OPTIONS.items():
        target = folder / f"{name}.img"
        run("qemu-img", "convert", "-f", "raw", folder / "raw", target, "-O", *options)
        found[name] = target.read_bytes()
    found["vmdk-at-end"] = at_end(found["vmdk-stream"])
    return found


def at_end(stream: bytes) -> bytes:
    """A VMDK as ESX streams it: where its grain directory is, only a footer says."""
    marker = struct.pack("<QII", 1, 0, 3).ljust(512, b"\0")
    return stream[:56] + b"\xff" * 8 + stream[64:] + marker + stream[:512] + bytes(512)


def packed(content: bytes, kind: str) -> bytes:
    match kind:
        case "gz":
            return gzip.compress(content)
        case "xz":
            return lzma.compress(content)
        case "bz2":
            return bz2.compress(content)
    return subprocess.run(["zstd", "-q", "-c"], input=content, capture_output=True, check=True).stdout
