"""The mirror's edges: the cache that serves and fills, its stock on disk, lists of trees, upstreams."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Literal, Protocol

from provisioner.core.mirror import Census, Checked, Listed, Repository
from provisioner.core.profile import Tree


class Counts(Protocol):
    """What was served of a source since the service started; bytes."""

    @property
    def hits(self) -> int: ...
    @property
    def misses(self) -> int: ...
    @property
    def bytes_served(self) -> int: ...
    @property
    def bytes_fetched(self) -> int: ...


class Health(Protocol):
    """One place that trees are read from. `since` in seconds since 1970, `reason` "" where it is ok."""

    @property
    def url(self) -> str: ...
    @property
    def state(self) -> Literal["ok", "aside", "down"]: ...
    @property
    def since(self) -> float: ...
    @property
    def reason(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def requests(self) -> int: ...


class Filled(Protocol):
    """A file that is kept. `by` is the metadata that vouches for it, "" for none."""

    @property
    def size(self) -> int: ...
    @property
    def by(self) -> str: ...


class MirrorCache(Protocol):
    async def fill(self, source: str, path: str) -> Filled:
        """Has the file, fetched where it is not kept as it should be. Raises Unavailable, NotFound."""
        ...

    def counts(self) -> Mapping[str, Counts]:
        """By source."""
        ...

    def removed(self, place: str) -> None:
        """What lay at that place was removed: it is not to be served from memory."""
        ...

    async def forget(self, source: str) -> None:
        """Removes all that is kept and known of a source."""
        ...

    async def trim(self, source: str) -> None:
        """Its limit may be a smaller one now."""
        ...

    def alarms(self) -> Sequence[str]:
        """What somebody should see to, a sentence each."""
        ...


class MirrorStock(Protocol):
    """What is kept, beside those who serve it."""

    async def census(self, source: str) -> Census: ...
    async def paths(self, source: str) -> Mapping[str, set[tuple[int, str]]]:
        """Each kept path with size and SHA-256 of what is kept of it, once for each state of the tree."""
        ...

    def check(self, source: str = "", rate: int = 0, after: str = "") -> AsyncGenerator[Checked]:
        """Reads every kept file, or a source's, behind the place `after`, at most `rate` bytes a second."""
        ...

    async def drop(self, place: str) -> None: ...
    async def clean(self, source: str, before: float) -> tuple[int, int]:
        """Removes what was not handed out since (seconds since 1970): files and bytes that went."""
        ...

    async def reached(self) -> str:
        """Where the last scrub got to, "" for the beginning."""
        ...

    async def remember(self, place: str) -> None: ...


class MirrorContents(Protocol):
    """What a tree is by its own metadata. All raise Unavailable, and Invalid for metadata that is broken."""

    async def basic(self, tree: Tree, parts: Sequence[str] = ()) -> Sequence[Listed]:
        """What an installer reads before its packages; `parts` are files of it beside kernel and initrd."""
        ...

    async def full(self, tree: Tree, parts: Sequence[str] = ()) -> Sequence[Listed]:
        """Every file that the metadata names, the basic ones first."""
        ...

    async def repository(self, tree: Tree) -> Repository: ...


class MirrorOrigins(Protocol):
    def health(self, source: str = "") -> Sequence[Health]:
        """Of every place that was asked since the service started, or of those for a source."""
        ...

    def archive(self, source: str) -> str:
        """The archive that a source, or what has gone of it, is read from; "" where all of it is there."""
        ...
