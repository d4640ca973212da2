"""ISOs in the media folders: each is offered as a tree, by a name made of its own."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from provisioner.core.errors import Invalid
from provisioner.service.ports import MediaFolders

_LONGEST = 50
_HOSTED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Discs:
    """Remembers which ISOs were looked at, and how they were then: one that is no tree is not read again."""

    def __init__(self, folders: MediaFolders) -> None:
        self._folders = folders
        self._seen: dict[str, str] = {}

    async def fresh(self, known: Collection[str]) -> list[str]:
        """The paths of those that nobody looked at since they are as they are, without the `known` ones."""
        there = await self._folders.isos()
        fresh = [path for path, state in there.items() if self._seen.get(path) != state]
        self._seen = dict(there)
        return [path for path in fresh if path not in known]

    async def place(self, source: str) -> str:
        """The path of the medium that a plain name means; anything else as it is.

        Raises NotFound, Invalid for a medium that is no ISO.
        """
        text = source.strip()
        if not text or "/" in text or _HOSTED.match(text):
            return text
        found = await self._folders.resolve(text)
        if found.kind != "iso":
            raise Invalid(f"{found.path} is not an ISO image", remedy="name the ISO of a distribution")
        return found.path


def name_for(source: str, taken: Collection[str]) -> str:
    """What a tree is called that nobody named: `Rocky-9.4-x86_64-dvd.iso` gives rocky-9.4-x86-64-dvd."""
    path = PurePosixPath(unquote(urlsplit(source).path))
    text = path.stem if path.suffix.lower() == ".iso" else path.name
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower())[:_LONGEST].strip("-.") or "tree"
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(one for one in names if one not in taken)
