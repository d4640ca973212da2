"""The first loaders as files of this machine, read once at the start."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def read(names: Iterable[str], directories: Sequence[Path]) -> dict[str, bytes]:
    """Each named loader from the first directory that has it; those that no directory has are left out."""
    shelf: dict[str, bytes] = {}
    for name in names:
        for directory in directories:
            file = directory / name
            if file.is_file():
                shelf[name] = file.read_bytes()
                break
    return shelf
