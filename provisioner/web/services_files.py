"""What the web needs of files: those of trees, wherever they are, and what their folders hold."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Descriptor(Protocol):
    def fileno(self) -> int: ...


class Local(Protocol):
    """Where a body lies in an open file of this host."""

    @property
    def file(self) -> Descriptor: ...
    @property
    def runs(self) -> Sequence[tuple[int, int]]:
        """Offset and length of each, in bytes."""
        ...


class Growing(Protocol):
    """A body that still comes into an open file of this host."""

    @property
    def file(self) -> Descriptor: ...
    @property
    def first(self) -> int:
        """Where in the file the body begins."""
        ...

    @property
    def reach(self) -> Callable[[int], Awaitable[int]]:
        """(offset) to the one up to which bytes may be sent, itself where the file gives no more."""
        ...

    @property
    def rest(self) -> Callable[[int], AsyncIterator[bytes]]:
        """(offset) to what comes after it by no file."""
        ...


class Upstream(Protocol):
    """An answer of another server, or of a file of this host, its body not read yet."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def local(self) -> Local | None: ...
    @property
    def grows(self) -> Growing | None: ...
    @property
    def url(self) -> str:
        """Where it came from, "" for a file of this host."""
        ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Files(Protocol):
    """Files of trees, wherever those are."""

    def open(
        self, source: str, path: str, headers: Mapping[str, str], /, *, client: str = ""
    ) -> AbstractAsyncContextManager[Upstream]:
        """`headers` of the request decide about parts and conditions. Entering raises Unavailable that
        names the URL."""
        ...

    def hit(
        self, source: str, path: str, headers: Mapping[str, str], /, *, client: str = ""
    ) -> Upstream | None:
        """What `open` would give, where that is known without waiting for anything.

        It lies in a file of this host. A request for all of an unchanged file gets one and the same each
        time.
        """
        ...


class Entry(Protocol):
    """What is in a folder of a tree. `size` in bytes, `modified` in seconds since 1970, None: not told."""

    @property
    def name(self) -> str: ...
    @property
    def folder(self) -> bool: ...
    @property
    def size(self) -> int | None: ...
    @property
    def modified(self) -> float | None: ...


Listed = Sequence[Entry]
