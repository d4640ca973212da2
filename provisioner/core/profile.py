"""A profile: tree + answer template + kernel arguments + hardware defaults + variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Profile:
    """`template` is `<family>/<file>.j2` under kickstarts/, "" for the family's own; `image` names an image
    that a `liveimg` installs.

    `memory` in MiB, `disk` in GiB. `shipped` profiles are files beside their templates and read-only.
    """

    name: str
    family: str
    tree: str
    template: str = ""
    release: str = ""
    kernel_args: str = ""
    image: str = ""
    memory: int = 1024
    vcpus: int = 1
    disk: float = 4
    variables: Mapping[str, object] = field(default_factory=dict)
    summary: str = ""
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """An install tree: `source` as `core.source` writes it, `family` as detected or given.

    `arch` is the processor's name as `uname -m` writes it. What is kept of it by the mirror: `mirrors` are
    further places of the same files, `key` armoured OpenPGP public keys that sign them; `offline` asks no
    upstream, `pinned` is never made room with, `quota` is the most bytes that are kept (0: no limit).
    """

    name: str
    source: str
    family: str = ""
    release: str = ""
    kernel: str = ""
    initrd: str = ""
    arch: str = "x86_64"
    mirrors: tuple[str, ...] = ()
    offline: bool = False
    pinned: bool = False
    quota: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class ToldTree(Tree):
    """A tree as it is told: without passwords; `archive` is where it is read from once its source is gone."""

    archive: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A packed root file system that the mini installer installs.

    `file` is its name under the images directory, `size` its bytes, `sha256` of the packed file,
    `unpacked` the bytes it needs on disk.
    """

    name: str
    file: str
    sha256: str
    size: int
    unpacked: int
    tuned: bool = False
    summary: str = ""
