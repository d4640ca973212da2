"""What a process has open, while it goes on opening and closing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def descriptors_of(pid: int) -> Iterator[str]:
    """What each descriptor leads to, as proc(5) writes it; one that was closed meanwhile is left out."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(link.readlink())
