"""What goes into the mini installer's initramfs: our scripts, busybox, a few real tools, drivers, GRUB."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from provisioner import resources
from provisioner.core.errors import Unavailable
from provisioner.media import cpio
from provisioner.media.elf import libraries
from provisioner.media.hosttools import find, run
from provisioner.media.kernel import DRIVERS, Kernel

_WHY = "the mini installer"
# busybox has some of these too, but slower or lesser ones; here they are called by path.
TOOLS = ("dd", "mke2fs", "resize2fs", "sha256sum", "tar", "tee", "xz", "zstd")
SCRIPTS = ("disk", "image", "kickstart", "log", "net", "sections", "system", "volume")
_FOLDERS = ("bin", "dev", "etc", "mnt", "proc", "run", "sys", "tmp", "tools")


def script(name: str) -> bytes:
    """A file of templates/installer/, which is copied as it is."""
    return (resources.root() / "templates/installer" / name).read_bytes()


def static_busybox() -> Path:
    """A busybox without libraries. Raises Unavailable where there is none, or only a dynamic one."""
    for place in (Path("/bin/busybox"), Path("/usr/bin/busybox"), Path("/sbin/busybox")):
        if place.is_file() and b"/ld-linux" not in place.read_bytes()[:4096]:
            return place
    raise Unavailable(
        "there is no statically linked busybox; the mini installer needs it",
        remedy="apt-get install busybox-static   (Fedora: dnf install busybox)",
    )


def busybox_entries(links: bool) -> Iterator[cpio.Entry]:
    """The host's busybox under its names.

    Its shell finds its own applets, so the links are for `chroot` and friends.
    """
    place = static_busybox()
    yield cpio.file("bin/busybox", place.read_bytes(), 0o755)
    names = run([place, "--list"], _WHY).decode().split() if links else ["sh"]
    for name in names:
        if name != "busybox":
            yield cpio.link(f"bin/{name}", "busybox")


def driver_entries(kernel: Kernel, kinds: Collection[str] = tuple(DRIVERS)) -> Iterator[cpio.Entry]:
    """The drivers of these lists, and the lists in the order in which they are loaded."""
    lists = {kind: order for kind, order in kernel.drivers.items() if kind in kinds}
    for name in dict.fromkeys(name for order in lists.values() for name in order):
        yield cpio.file(f"modules/{name}.ko", kernel.modules[name])
    for kind, order in lists.items():
        yield cpio.file(f"modules/{kind}", "".join(f"{name}.ko\n" for name in order).encode())


def _tool_entries() -> Iterator[cpio.Entry]:
    programs = {name: find(name, _WHY).resolve() for name in TOOLS}
    for name, program in programs.items():
        yield cpio.file(f"tools/{name}", program.read_bytes(), 0o755)
    for library in libraries(programs.values()):
        # At the path that the programs ask for, whatever links the host has there.
        yield cpio.file(str(library), library.read_bytes(), 0o755)


def script_entries() -> Iterator[cpio.Entry]:
    """What is the same for every processor: our scripts, and the files that they go by."""
    yield from (cpio.folder(name) for name in _FOLDERS)
    yield cpio.character("dev/console", 5, 1)
    yield cpio.character("dev/null", 1, 3)
    yield cpio.file("init", script("init"), 0o755)
    yield cpio.file("lease", script("lease"), 0o755)
    yield from (cpio.file(f"{name}.sh", script(f"{name}.sh")) for name in SCRIPTS)
    yield cpio.file("etc/mke2fs.conf", script("mke2fs.conf"))
    yield cpio.link("etc/mtab", "/proc/self/mounts")
    yield cpio.file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")


def entries(kernel: Kernel, loaders: Mapping[str, bytes]) -> Iterator[cpio.Entry]:
    """Everything, in no order."""
    yield from script_entries()
    yield from (cpio.file(f"loader/{name}", data) for name, data in loaders.items())
    yield from busybox_entries(links=False)
    yield from _tool_entries()
    yield from driver_entries(kernel)
