"""What the mirror keeps of trees, as it is counted, listed and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provisioner.core.digest import Expected

Verdict = Literal["sound", "broken", "unverified"]


@dataclass(frozen=True, slots=True)
class Census:
    """What is kept of a source: files and bytes. `verified` files are those that metadata vouches for.

    `signed` maps the fingerprints of keys to the files that are vouched for by what they signed.
    """

    files: int = 0
    size: int = 0
    verified: int = 0
    signed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A kept file that was read from its first byte to its last.

    `unverified`: its bytes are those that were kept, but nothing vouches for them. `place` is where it lies,
    below the mirror's folder.
    """

    source: str
    path: str
    size: int
    verdict: Verdict
    place: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that a tree has by its metadata; `expected` None where nothing says what it must be."""

    path: str
    expected: Expected | None = None

    @property
    def size(self) -> int | None:
        return self.expected.size if self.expected else None


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a repository: its file, and what it gives and needs, by name.

    A need is met by any one of its names: `("mail-transport-agent", "exim4")`. What needs a script or a
    kernel's symbol to tell is left out by whoever reads the metadata.
    """

    name: str
    path: str
    size: int
    gives: frozenset[str] = frozenset()
    needs: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """The packages of a tree, and its groups: names of packages by a group's id and its names."""

    packages: tuple[Package, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
