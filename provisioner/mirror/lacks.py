"""What trees lack, as their upstreams said: it is still so while nobody can be asked.

Installers ask for files that need not be there (`InRelease`, `updates.img`); without an answer many of them
give up. What was said outlives the service.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_REMEMBERED = 20_000
_SOON_SECONDS = 1.0


class Lacks:
    """For one event loop. `place` is the file that it is remembered in, a line each."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lines: OrderedDict[str, None] = OrderedDict()
        self._saving: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """What an earlier service remembered; nothing where that cannot be read."""
        with suppress(OSError, UnicodeDecodeError):
            text = await asyncio.to_thread(self._place.read_text)
            self._lines = OrderedDict.fromkeys([*text.split(), *self._lines])

    def has(self, source: str, path: str) -> bool:
        """Whether that file was not there when its upstream was last asked."""
        return _line(source, path) in self._lines

    def note(self, source: str, path: str) -> None:
        """Its upstream says that there is none."""
        line = _line(source, path)
        if line not in self._lines:
            self._lines[line] = None
            while len(self._lines) > _REMEMBERED:
                self._lines.popitem(last=False)
            self._changed()

    def drop(self, source: str, path: str) -> None:
        """Now there is."""
        if self._lines.pop(_line(source, path), self) is None:
            self._changed()

    async def close(self) -> None:
        """What was said a moment ago is remembered too."""
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
            await self._save()

    def _changed(self) -> None:
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._soon())

    async def _soon(self) -> None:
        await asyncio.sleep(_SOON_SECONDS)
        await self._save()

    async def _save(self) -> None:
        text = "".join(f"{line}\n" for line in self._lines)
        with suppress(OSError):  # a full disk: it is said again
            await asyncio.to_thread(self._write, text)

    def _write(self, text: str) -> None:
        part = self._place.with_suffix(".part")
        part.write_text(text)
        part.replace(self._place)


def _line(source: str, path: str) -> str:
    return sha256(f"{source}\0{path}".encode()).hexdigest()[:32]
