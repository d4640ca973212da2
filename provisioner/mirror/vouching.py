"""What the cache asks before it serves a file: which state of its tree governs it, and what it must be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from provisioner.core.digest import Expected


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file of a tree must be in the state that a client sees.

    `key` is the `digest` argument of `Objects`. `immutable`: no upstream needs to be asked again.
    """

    key: str
    expected: Expected | None
    immutable: bool


Doubt = Callable[[str, str, str], Awaitable[bool]]
"""(source, path, the digest that it did not have): whether its repository changed, and nobody is to blame."""


async def certain(source: str, path: str, digest: str) -> bool:
    """Nothing ever changes."""
    return False


class Vouching(Protocol):
    """The states of trees, as each client sees them."""

    async def look(self, source: str, path: str, client: str = "") -> Looked | None:
        """None where no state of the tree governs the file. Raises Unavailable."""
        ...

    def known(self, source: str, path: str, client: str = "") -> Looked | None:
        """The same without waiting for anything. Raises LookupError where that cannot be."""
        ...

    def forget(self, source: str) -> None:
        """What is kept of it was removed."""
        ...


class Nobody:
    """Vouches for nothing."""

    async def look(self, source: str, path: str, client: str = "") -> Looked | None:
        return None

    def known(self, source: str, path: str, client: str = "") -> Looked | None:
        return None

    def forget(self, source: str) -> None:
        pass
