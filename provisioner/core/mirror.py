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
    """A file that a tree has by its metadata; `expected` None where nothing says what it must be.

    One that is `optional` is taken where it is there. `changes`: it has the same name in each state of the
    tree, so that its upstream is asked even where it is kept.
    """

    path: str
    expected: Expected | None = None
    optional: bool = False
    changes: bool = False

    @property
    def size(self) -> int | None:
        return self.expected.size if self.expected else None


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a repository: its file, and what it gives, needs and likes to have, by name.

    A need is met by any one of its names: `("default-mta", "exim4")`. What only the installer can tell, such
    as a feature of rpm itself, is left out. `level` is Debian's priority.
    """

    name: str
    file: Listed
    gives: frozenset[str] = frozenset()
    needs: tuple[tuple[str, ...], ...] = ()
    wants: tuple[tuple[str, ...], ...] = ()
    level: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """The packages of a tree, and its groups: by a group's id the names of packages, and `@id` of groups."""

    packages: tuple[Package, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
