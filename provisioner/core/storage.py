"""Storage as libvirt knows it: what a pool and a volume are made with, and what is known of a volume."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from provisioner.core.errors import Invalid

VolumeFormat = Literal["qcow2", "raw"]
PoolKind = Literal["dir", "logical", "netfs"]

MOST_BYTES = 64 * 1024**4
"""No disk is larger than 64 TiB: a size beyond that is a mistake or an attack."""

_VOLUME_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:@=-]{0,126}")
_OWNED = re.compile(r"([a-z0-9][a-z0-9.-]{0,62})-([0-9a-f]{12})(?:[-.].*)?")
_POOL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_GROUP_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}")
_HOST_NAME = re.compile(r"[A-Za-z0-9.:_-]{1,253}")

_SYSTEM = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys",
    "/usr", "/var/lib/dpkg", "/var/lib/libvirt/qemu", "/var/lib/rpm", "/var/log", "/var/run", "/var/spool",
)  # fmt: skip
_PARENTS = ("/", "/home", "/mnt", "/media", "/opt", "/srv", "/tmp", "/var", "/var/lib", "/var/lib/libvirt")  # noqa: S108


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a pool; bytes. `backing` is the path of the volume it is an overlay on, "" for none."""

    pool: str
    name: str
    path: str
    format: str
    capacity: int
    allocation: int
    backing: str = ""


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A volume to be made, empty; `capacity` in bytes.

    With `backing_path`, the path of another volume that libvirt knows, it is an overlay on that, whose
    `backing_format` must be told.
    """

    pool: str
    name: str
    capacity: int
    format: VolumeFormat = "qcow2"
    backing_path: str = ""
    backing_format: VolumeFormat = "qcow2"

    def __post_init__(self) -> None:
        check_volume_name(self.name)
        check_capacity(self.capacity, f"volume {self.name}")
        if self.backing_path and self.format != "qcow2":
            raise Invalid(f"volume {self.name}: only a qcow2 volume can be an overlay")


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A pool to be made. `path` is where a dir or netfs pool appears; `source` the volume group of a logical
    pool, or the exported directory of a netfs pool, whose server is `host`."""

    name: str
    kind: PoolKind = "dir"
    path: str = ""
    source: str = ""
    host: str = ""
    autostart: bool = True

    def __post_init__(self) -> None:
        if not _POOL_NAME.fullmatch(self.name):
            raise Invalid(
                f"pool name {self.name!r} is not usable: letters, digits, dots, dashes and underscores, "
                "63 characters at most"
            )
        match self.kind:
            case "dir" | "netfs":
                check_pool_path(self.path, f"pool {self.name}")
            case "logical":
                if not _GROUP_NAME.fullmatch(self.source):
                    raise Invalid(
                        f"pool {self.name}: {self.source!r} is not the name of a volume group",
                        remedy="name one that exists: --source GROUP (vgs lists them)",
                    )
        if self.kind == "netfs":
            if not _HOST_NAME.fullmatch(self.host):
                raise Invalid(f"pool {self.name}: {self.host!r} is not the name of a server")
            _check_path(self.source, f"pool {self.name}")


def owner(volume: str) -> tuple[str, str] | None:
    """The guest and the install that a volume's name tells, None for a name that no guest of ours gives."""
    found = _OWNED.fullmatch(volume)
    return (found[1], found[2]) if found else None


def check_volume_name(name: str) -> str:
    """A volume's name that is safe as a file's name, in a URL and in XML. Raises Invalid."""
    if not _VOLUME_NAME.fullmatch(name):
        raise Invalid(
            f"volume name {name[:80]!r} is not usable: letters, digits and . _ + : @ = - after the first, "
            "127 characters at most"
        )
    return name


def check_capacity(size: int, what: str) -> int:
    """A number of bytes that a disk can have. Raises Invalid."""
    if size <= 0:
        raise Invalid(f"{what}: a size of {size} bytes is not usable; write one above 0")
    if size > MOST_BYTES:
        raise Invalid(f"{what}: {size / 1024**4:,.0f} TiB are asked for; 64 TiB is the most")
    return size


def check_pool_path(path: str, what: str, closed: Iterable[str] = ()) -> str:
    """A directory that a pool may be: never one of the system's own, nor one of `closed`. Raises Invalid.

    Volumes of a directory pool are its files, whoever put them there; libvirt deletes and hands out any.
    """
    place = _check_path(path, what)
    own = [folder for folder in (*_SYSTEM, *closed) if place.is_relative_to(folder)]
    if own or str(place) in _PARENTS:
        raise Invalid(
            f"{what}: {path} belongs to the system, and every file in a pool's directory becomes a volume",
            remedy="choose a directory of its own, like /var/lib/libvirt/pools/NAME",
        )
    return path


def _check_path(path: str, what: str) -> PurePosixPath:
    place = PurePosixPath(path)
    if not path.startswith("/") or path.startswith("//") or not path.isprintable() or ".." in place.parts:
        raise Invalid(f"{what}: {path[:200]!r} is not an absolute path")
    return place
