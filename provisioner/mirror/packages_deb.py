"""Packages of Debian archives with what they give and need. Source: Debian Policy, chapter 7; deb822(5)."""

import re
from collections.abc import Iterable
from functools import lru_cache

from provisioner.core.digest import Expected
from provisioner.core.mirror import Listed, Package

_FIELDS = frozenset(
    [
        "Package",
        "Filename",
        "Size",
        "SHA256",
        "Provides",
        "Depends",
        "Pre-Depends",
        "Recommends",
        "Priority",
        "Essential",
    ]
)
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


def read(pieces: Iterable[bytes], base: str = "") -> list[Package]:
    """The packages of an unpacked `Packages`; names in it are below `base`."""
    found: list[Package] = []
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        found += [package for stanza in whole if (package := _package(stanza, base))]
    last = _package(rest, base)
    return [*found, last] if last else found


def _package(stanza: bytes, base: str) -> Package | None:
    said = {}
    for line in stanza.decode("utf-8", "replace").split("\n"):
        name, colon, value = line.partition(": ")
        if colon and name in _FIELDS:
            said[name] = value
    if "Package" not in said or "Filename" not in said:
        return None
    size = int(said["Size"]) if said.get("Size", "").isdigit() else None
    expected = Expected("sha256", said["SHA256"], size, "Packages") if "SHA256" in said else None
    needs = (*_relations(said.get("Pre-Depends", "")), *_relations(said.get("Depends", "")))
    return Package(
        said["Package"],
        Listed(base + said["Filename"], expected),
        frozenset(names[0] for names in _relations(said.get("Provides", ""))),
        needs,
        _relations(said.get("Recommends", "")),
        "required" if said.get("Essential") == "yes" else said.get("Priority", ""),
    )


def _relations(text: str) -> tuple[tuple[str, ...], ...]:
    """`a (>= 1) | b, c` gives (("a", "b"), ("c",))."""
    return tuple(filter(None, map(_clause, text.split(", ")))) if text else ()


@lru_cache(maxsize=65536)
def _clause(text: str) -> tuple[str, ...]:
    """Most of them are said by many packages."""
    return tuple(match[0] for word in text.split("|") if (match := _NAME.match(word.strip())))
