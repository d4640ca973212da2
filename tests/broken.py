"""Machines that cannot be installed: QEMU with one fault each, started without libvirt, and what they say."""

import hashlib
import http.server
import io
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.media import cpio, fat, grub, initramfs, mini
from provisioner.media.kernel import Kernel

OVMF = Path("/usr/share/OVMF")
HOST = "10.0.2.2"
"""This machine, as a guest on QEMU's user network sees it."""
ARM64 = b"MZ" + bytes(54) + b"ARM\x64" + bytes(2_000_000)
"""What begins as a kernel for arm64 does."""
MAC = "52:54:00:7e:57:01"


@contextmanager
def offering(files: Callable[[str], Mapping[str, bytes]]) -> Iterator[str]:
    """A server of the files that `files` makes of its address, which is the one that guests see."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = offered.get(self.path)
            self.send_response(403 if self.path == "/refused" else 404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web = f"http://{HOST}:{server.server_port}"
        offered = files(web)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Bench:
    """What broken machines are made of; `web` is the address of the files, `folder` a place for disks."""

    kernel: Path
    initrd: Path
    web: str
    folder: Path

    def disk(self, size: int, content: bytes = b"", *more: str) -> list[str]:
        place = self.folder / "disk"
        with place.open("wb") as opened:
            opened.write(content)
            opened.truncate(size << 20)
        return ["-drive", f"file={place},format=raw,if=virtio{''.join(more)}"]

    def worn_disk(self, size: int) -> list[str]:
        """One whose every write fails."""
        self.disk(size)
        rules = self.folder / "rules"
        rules.write_text('[inject-error]\nevent = "write_aio"\nerrno = "5"\n')
        file = f"blkdebug:{rules}:{self.folder / 'disk'}"
        return ["-drive", f"file={file},format=raw,if=virtio,werror=report"]

    def unsigned_loader(self) -> list[str]:
        """UEFI with Microsoft's keys in its variables, and a disk that starts an iPXE which nobody signed."""
        variables = self.folder / "vars.fd"
        shutil.copyfile(OVMF / "OVMF_VARS_4M.ms.fd", variables)
        loader = Path("/usr/lib/ipxe/snponly.efi").read_bytes()
        flash = "if=pflash,format=raw,file="
        return [
            *("-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"),
            *("-drive", f"{flash}{OVMF / 'OVMF_CODE_4M.ms.fd'},readonly=on", "-drive", f"{flash}{variables}"),
            *self.disk(80, fat.image({"EFI/BOOT/BOOTX64.EFI": loader}, 131072)),
        ]

    def odd(self, content: bytes) -> Path:
        place = self.folder / "odd"
        place.write_bytes(content)
        return place

    def boot(self, *args: str, initrd: Path | None = None, memory: int = 256) -> list[str]:
        """Kernel and initrd directly, as libvirt's methods do; `args` are kernel arguments."""
        line = " ".join(("console=ttyS0", *args))
        return ["-m", str(memory), "-kernel", str(self.kernel), "-append", line] + (
            ["-initrd", str(initrd or self.initrd)] if initrd != Path() else []
        )

    def installer(self, kickstart: str, *args: str) -> list[str]:
        """The mini installer with a kickstart of the server's, on a network that works."""
        return [*self.boot(f"inst.ks={self.web}/{kickstart}", *args), *CARD]


CARD = ["-netdev", "user,id=n", "-device", f"virtio-net-pci,netdev=n,mac={MAC}"]
NOWHERE = ["-netdev", "hubport,hubid=1,id=n", "-device", f"virtio-net-pci,netdev=n,mac={MAC}"]
"""A card whose cable leads to a switch without anybody else."""


def from_network(file: str) -> list[str]:
    """A machine whose iPXE is told to fetch this."""
    boot = f",bootfile={file}" if file else ""
    card = ["-netdev", f"user,id=n{boot}", "-device", f"virtio-net-pci,netdev=n,mac={MAC}"]
    return ["-m", "96", "-boot", "n", *card]


@contextmanager
def running(
    words: list[str], log: Path, tool: str = "qemu-system-x86_64"
) -> Iterator["subprocess.Popen[bytes]"]:
    """A machine for the time of the block; its serial line goes to `log`."""
    log.touch()
    head = [tool, "-machine", "q35", "-accel", "tcg", "-nographic", "-nodefaults", "-monitor", "none"]
    process = subprocess.Popen(
        [*head, "-serial", f"file:{log}", *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def of_another_kernel(kernel: Kernel, folder: Path) -> Path:
    """The mini installer's initramfs with drivers of a kernel of another number."""
    content = cpio.archive(initramfs.entries(kernel, grub.loaders()))
    release = kernel.version.encode()
    other = bytes(reversed(release[:5])) + release[5:]
    spoilt = content.replace(b"vermagic=" + release, b"vermagic=" + other)
    assert spoilt != content
    return mini.pack(spoilt, folder / "spoilt", 3)


def of_another_processor(folder: Path) -> Path:
    """An initramfs whose first program is an ELF for aarch64."""
    head = bytes.fromhex("7f454c46020101000000000000000000 0200b700")
    place = folder / "arm.cpio"
    place.write_bytes(cpio.archive([cpio.file("init", head + bytes(200), 0o755)]))
    return place


def files(web: str) -> dict[str, bytes]:
    """Kickstarts with a fault each, and what they name."""
    image = _image()
    disk = "clearpart --all --initlabel\nautopart --type=plain\n"
    right = f"liveimg --url={web}/image.tar.zst --checksum={hashlib.sha256(image).hexdigest()}"
    kickstarts = {
        "good": f"{disk}{right}\n",
        "unknown": f"{disk}frobnicate --all\n{right}\n",
        "uncleared": f"autopart --type=plain\n{right}\n",
        "gone": f"{disk}{right.replace('image.tar', 'nothing.tar')}\n",
        "checksum": f"{disk}liveimg --url={web}/image.tar.zst --checksum={'a' * 64}\n",
        "unreadable": f"{disk}liveimg --url={web}/text.tar.zst --checksum={'a' * 64}\n",
        "script": f"{disk}{right}\n%pre --erroronfail\nfrobnicate\n%end\n",
        "panic": f"{disk}{right}\n%pre\necho c >/proc/sysrq-trigger\n%end\n",
    }
    return {
        **{f"/{name}.ks": f"{text}poweroff\n".encode() for name, text in kickstarts.items()},
        "/image.tar.zst": image,
        "/text.tar.zst": b"this is no archive of any kind" * 1000,
        "/arm": ARM64,
    }


def _image() -> bytes:
    """A root file system of one file, packed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("etc/hostname"))
    done = subprocess.run(["zstd", "-q"], input=packed.getvalue(), capture_output=True, check=True)
    return done.stdout
