"""What is kept of an install beside its events, and where guests' serial lines and logs are read."""

from collections.abc import Mapping
from typing import Literal, Protocol

Piece = Literal["log", "serial", "screen"]
"""The installer's log, the end of the serial line, the screen as PNG."""
Line = Literal["serial", "log"]
"""A guest's serial line, or the virtio port that its installer sends its log to."""


class EvidenceFiles(Protocol):
    """Pieces by install. Raises Unavailable where the disk is full or cannot be written."""

    async def keep(self, install: str, piece: Piece, data: bytes) -> None:
        """In the place of what was kept before."""
        ...

    async def read(self, install: str, piece: Piece) -> bytes:
        """Raises NotFound."""
        ...

    async def sizes(self, install: str) -> Mapping[Piece, int]:
        """What is kept of an install, in bytes."""
        ...

    async def installs(self) -> Mapping[str, tuple[float, int]]:
        """All of which something is kept: when last, in seconds since 1970, and how many bytes."""
        ...

    async def remove(self, install: str) -> None:
        """What is gone already is no error."""
        ...


class GuestLogs(Protocol):
    """The files in which libvirt keeps what each install's guest says, on this host."""

    async def since(
        self, places: Mapping[tuple[str, Line], int]
    ) -> Mapping[tuple[str, Line], tuple[bytes, int]]:
        """Of each (install, line) what came after that byte, and where that ends; nothing: nothing new.

        A file that became another, or shorter, begins anew.
        """
        ...

    async def tail(self, install: str, line: Line, size: int) -> bytes:
        """The last bytes; b"" where there is no such file here."""
        ...

    async def installs(self) -> Mapping[str, float]:
        """Of which there are files: when they were last written, in seconds since 1970."""
        ...

    async def remove(self, install: str) -> None: ...
