"""Archives that hold what ordinary mirrors have dropped: rules where to look, and what was found there."""

import json
import logging
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from provisioner.core.source import shown

log = logging.getLogger(__name__)

BELIEVED_SECONDS = 7 * 24 * 3600
"""After so long a tree's own source is asked again, whether it has it back."""
_LIST = "archives.toml"
_PLACE = re.compile(r"\{([a-z][a-z-]*)\}(.*)")


@dataclass(frozen=True, slots=True)
class Move:
    """A tree that is read from an archive: all of it, or the `part` of it that is not at its source any more.

    `since` is in seconds since 1970.
    """

    source: str
    part: str
    to: str
    since: float


@dataclass(frozen=True, slots=True)
class Route:
    """Where else a path of a tree may lie. `moved` archives are known to have it, `archives` may.

    `part` is what of a root must be there for its 404 to count, "" the whole tree; None: no root's 404 counts
    as long as there is another to ask.
    """

    part: str | None = ""
    moved: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()


class Archives:
    """`bases` tells the addresses of an archive of systems.toml, `file` is where moves are remembered."""

    def __init__(self, bases: Callable[[str], Sequence[str]], file: Path | None = None) -> None:
        listed = tomllib.loads((files(__package__) / _LIST).read_text())
        self._keys: tuple[str, ...] = tuple(listed["keys"])
        self._rules: list[dict[str, Any]] = listed["archive"]
        self._bases = bases
        self._file = file
        self._moves = {(move.source, move.part): move for move in _remembered(file)}

    def route(self, source: str, path: str) -> Route:
        for rule, found in self._matching(source):
            places = tuple(place for place in self._places(rule["to"], found) if place != source)
            if "part" not in rule:
                return self._of(source, "", places)
            part = re.match(rule["part"], path)
            if part:
                return self._of(source, part[0], places)
            moved = {move.to: None for move in self.moves() if move.source == source}
            return Route(None if moved else "", (), tuple(moved))
        return Route()

    def keys(self, part: str) -> tuple[str, ...]:
        """The files that tell whether it is there, paths below a root."""
        return (f"{part}/InRelease", f"{part}/Release") if part else self._keys

    def moves(self, source: str = "") -> list[Move]:
        """Those of a source, or all, the oldest first."""
        found = [move for move in self._moves.values() if source in ("", move.source)]
        return sorted(found, key=lambda move: move.since)

    def remember(self, source: str, part: str, to: str) -> None:
        """Blocking, a small file. A move that cannot be written is remembered until the service ends."""
        known = self._moves.get((source, part))
        if known is None or known.to != to:
            what = f"{shown(source)}{f'/{part}' if part else ''}"
            log.warning("%s is gone from there (404); it is read from its archive %s", what, shown(to))
        self._moves[source, part] = Move(source, part, to, time.time())
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps([asdict(move) for move in self.moves()], indent=1))
            new.replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error)

    def _of(self, source: str, part: str, places: tuple[str, ...]) -> Route:
        known = self._moves.get((source, part))
        if known is None or time.time() - known.since > BELIEVED_SECONDS:
            return Route(part, (), places)
        return Route(part, (known.to,), tuple(place for place in places if place != known.to))

    def _matching(self, source: str) -> Iterator[tuple[dict[str, Any], re.Match[str]]]:
        for rule in self._rules:
            if found := re.fullmatch(rule["source"], source):
                yield rule, found

    def _places(self, templates: Sequence[str], found: re.Match[str]) -> Iterator[str]:
        for template in templates:
            named = _PLACE.fullmatch(template)
            for base in self._bases(named[1]) if named else ("",):
                place = named[2] if named else template
                for number, group in enumerate(found.groups(), 1):
                    place = place.replace(f"{{{number}}}", group or "")
                yield f"{base}{place}"


def _remembered(file: Path | None) -> list[Move]:
    """None where there is no such file, or another wrote it."""
    try:
        return [Move(**move) for move in json.loads(file.read_text())] if file else []
    except (OSError, ValueError, TypeError):
        return []
