"""What a file of a tree must be, and which metadata of the tree says so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """`algorithm` as hashlib names it, `digest` in lower hex, `size` in bytes where it is told.

    `by` is the path of the metadata that says so; `signed` the fingerprint of the key whose signature over
    that metadata is good, "" where none was checked.
    """

    algorithm: str
    digest: str
    size: int | None
    by: str
    signed: str = ""
