"""Domain XML that libvirt's schema took before, but for names, numbers and paths.

Checking a domain against the schema takes libvirt ten times as long as defining it. Guests are made from
one template: what the schema says of the first of a kind holds for the next. libvirt's own parser reads
each of them all the same.
"""

import re
import threading

_MOST = 512
# Only these may differ, and only in what a name of ours consists of: another character is another shape.
_TEXTS = (
    *("name", "uuid", "memory", "vcpu", "entry", "kernel", "initrd", "cmdline"),
    *("guest:install", "guest:profile"),
)
_ATTRIBUTES = ("file", "network", "bridge", "volume", "pool", "address")
_FREE = re.compile(
    rf"(?P<open><(?:{'|'.join(_TEXTS)})(?: [^<>]*)?>)(?P<text>[^<]*)"
    rf"|(?P<key> (?:{'|'.join(_ATTRIBUTES)})=)(?P<value>\"[^\"]*\")"
)
_WORD = re.compile(r"[A-Za-z0-9._-]+")


def shape(xml: str) -> str:
    """The XML with every free text reduced to the characters that hold its words together."""
    return _FREE.sub(_reduced, xml)


def _reduced(match: re.Match[str]) -> str:
    kept = match["open"] or match["key"]
    return kept + _WORD.sub("w", match["text"] if match["open"] else match["value"])


class Shapes:
    """What was taken over one connection; a new one may lead to another libvirt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[str] = set()

    def known(self, shape: str) -> bool:
        return shape in self._taken

    def taken(self, shape: str) -> None:
        with self._lock:
            if len(self._taken) >= _MOST:
                self._taken.clear()
            self._taken.add(shape)

    def forget(self) -> None:
        with self._lock:
            self._taken.clear()
