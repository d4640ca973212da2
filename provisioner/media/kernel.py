"""Which kernel the mini installer and the tiny image boot, and the drivers that go with it.

The distribution's cloud kernel is fetched as a package and unpacked into the cache, never installed. Where
there is no apt, a kernel of the host's own /boot serves, if its drivers are there.
"""

import platform
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.core.errors import ProvisionerError, Unavailable
from provisioner.media.elf import module_needs
from provisioner.media.hosttools import run

FLAVOURS = {"cloud": "linux-image-cloud-amd64", "full": "linux-image-amd64"}
"""The cloud kernel is small and knows virtio and IDE; the full one knows SATA as well."""
_WHY = "the mini installer's kernel"
_MONTH = 30 * 24 * 3600
_UNPACK = {".xz": ("xz", "-dc"), ".zst": ("zstd", "-dcq")}

# What is loaded always, and what only where its device is seen.
DRIVERS: Mapping[str, tuple[str, ...]] = {
    "base": ("virtio_pci", "virtio_net", "virtio_blk"),
    "scsi": ("virtio_scsi", "sd_mod"),
    "random": ("virtio_rng",),
    "ports": ("virtio_console",),
    "power": ("button", "evdev"),
    "files": ("crc32c_generic", "ext4"),
    "ata": ("ata_piix", "ahci"),
    "cd": ("sr_mod", "isofs"),
}
_OPTIONAL = frozenset({"crc32c_generic", "ext4", "ata_piix", "ahci", "sr_mod", "isofs", "virtio_console"})
"""What a kernel may lack or have built in: Debian's cloud kernel has ext4 in it, and no ahci at all."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """`drivers` are the lists of DRIVERS with what they need, in loading order; `modules` their bytes."""

    version: str
    image: Path
    drivers: Mapping[str, tuple[str, ...]]
    modules: Mapping[str, bytes]


def provide(cache: Path, flavour: str = "cloud") -> Kernel:
    """A kernel from the cache, the package, or /boot, in this order. Raises Unavailable with all reasons."""
    kept = cache / ("kernel" if flavour == "cloud" else f"kernel-{flavour}")
    package = FLAVOURS[flavour]
    known = newest(kept)
    if known and time.time() - known.stat().st_mtime < _MONTH:
        return read(known)
    try:
        return read(_fetch(kept, package))
    except ProvisionerError as refused:
        if known:
            return read(known)
        try:
            return host_kernel(Path("/boot"), Path("/lib/modules"))
        except ProvisionerError as unsuitable:
            raise Unavailable(
                f"there is no kernel for the mini installer: {refused}; {unsuitable}",
                remedy=refused.remedy or f"apt-get update; apt-get download {package} must work here",
            ) from None


def newest(kept: Path) -> Path | None:
    """The youngest unpacked kernel package in the cache."""
    found = sorted(kept.glob("*/boot/vmlinuz-*"), key=lambda path: path.stat().st_mtime)
    return found[-1].parents[1] if found else None


def read(unpacked: Path) -> Kernel:
    """The kernel of an unpacked package."""
    return host_kernel(unpacked / "boot", unpacked / "lib/modules")


def host_kernel(boot: Path, modules: Path) -> Kernel:
    """The newest kernel below `boot` whose drivers are all below `modules`. Raises Unavailable."""
    last = f"{boot} holds no kernel"
    for image in sorted(boot.glob("vmlinuz-*"), reverse=True):
        version = image.name.removeprefix("vmlinuz-")
        try:
            return _with_drivers(version, image, modules / version)
        except Unavailable as unsuitable:
            last = str(unsuitable)
    raise Unavailable(last)


def _with_drivers(version: str, image: Path, modules: Path) -> Kernel:
    places = {_module_name(path): path for path in (modules / "kernel").rglob("*.ko*")}
    listed = modules / "modules.builtin"
    lines = listed.read_text().splitlines() if listed.is_file() else []
    builtin = {_module_name(Path(line)) for line in lines}
    contents: dict[str, bytes] = {}
    order = {kind: _closure(names, places, builtin, contents) for kind, names in DRIVERS.items()}
    return Kernel(version, image, order, contents)


def _closure(
    names: Iterable[str], places: Mapping[str, Path], builtin: set[str], contents: dict[str, bytes]
) -> tuple[str, ...]:
    """`names` and all that they need, each after what it needs; their bytes are added to `contents`."""
    order: list[str] = []

    def add(name: str) -> None:
        if name in order or name in builtin:
            return
        if name not in places:
            raise Unavailable(f"the driver {name} is not among this kernel's modules")
        contents.setdefault(name, _module(places[name]))
        for needed in module_needs(contents[name]):
            add(needed)
        order.append(name)

    for name in names:
        if name in places or name not in _OPTIONAL:
            add(name)
    return tuple(order)


def _module_name(path: Path) -> str:
    return path.name.split(".ko")[0].replace("-", "_")


def _module(path: Path) -> bytes:
    unpack = _UNPACK.get(path.suffix)
    return run([*unpack, path], _WHY) if unpack else path.read_bytes()


def _fetch(kept: Path, meta: str) -> Path:
    """Downloads and unpacks the package that the kernel's meta package names now."""
    if platform.machine() != "x86_64":
        raise Unavailable(f"the mini installer is for x86_64, this host is {platform.machine()}")
    shown = run(["apt-cache", "depends", meta], _WHY).decode()
    names = [
        line.split()[1] for line in shown.splitlines() if line.strip().startswith("Depends: linux-image")
    ]
    if not names:
        raise Unavailable(f"apt knows no package {meta}", remedy="apt-get update")
    target = kept / names[0]
    if target.is_dir():
        target.touch()
        return target
    kept.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=kept) as work:
        # As root apt would hand the download to its own user, who may not write here.
        run(["apt-get", "-o", "APT::Sandbox::User=root", "download", names[0]], _WHY, cwd=Path(work))
        package = next(Path(work).glob("*.deb"))
        unpacked = Path(work) / "unpacked"
        run(["dpkg-deb", "-x", package, unpacked], _WHY)
        shutil.rmtree(unpacked / "usr", ignore_errors=True)
        try:
            unpacked.rename(target)
        except OSError:
            if not target.is_dir():  # else another build had it first, and it is the same
                raise
    target.touch()
    return target
