"""Media: files that guests are installed from or started with, as an inspection of their bytes found them."""

from dataclasses import dataclass
from typing import Literal

DiskFormat = Literal["qcow2", "raw", "vmdk", "vdi", "vhd", "vhdx", "iso"]
Packing = Literal["", "gz", "xz", "zst", "bz2"]
MediaKind = Literal["iso", "disk", "other", "refused"]


@dataclass(frozen=True, slots=True)
class DiskImage:
    """What an image's bytes say. `virtual_size` in bytes, 0 where a packed raw image does not tell it;
    `findings` are for a person; `packed` names what it is compressed with."""

    format: DiskFormat
    virtual_size: int
    findings: tuple[str, ...] = ()
    packed: Packing = ""
    label: str = ""
    """The volume label of an ISO."""


@dataclass(frozen=True, slots=True)
class ReadyImage:
    """A plain file without any reference to another, to be uploaded as a volume; bytes.

    `key` names its content: two of one key are the same.
    """

    path: str
    format: Literal["qcow2", "raw"]
    virtual_size: int
    key: str


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file inside the media folders. `kind` refused where the inspection refused it: `note` says why.

    `format` "" where it is no disk image; `size` and `virtual_size` in bytes. `own` where it lies in the
    service's own media folder, and may be removed. `tree` is the name that an ISO goes by as a tree.
    """

    name: str
    path: str
    kind: MediaKind
    size: int
    format: DiskFormat | Literal[""] = ""
    virtual_size: int = 0
    packed: Packing = ""
    own: bool = False
    note: str = ""
    tree: str = ""
