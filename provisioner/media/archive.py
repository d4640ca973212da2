"""What was last served to each guest and machine, and to its install before, in a folder of bounded size.

Secrets are masked.
"""

import asyncio
import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from provisioner.core.errors import NotFound
from provisioner.core.machine import check_name
from provisioner.service.ports.edges import ServedText

MOST = 2000
"""Files kept; those that were served longest ago go first."""
_SLACK = 100
_BEFORE = ".before"


class Archive:
    """Satisfies `service.ports.AnswerArchive`."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._folder = folder
        self._most = most
        self._count: int | None = None
        self._waiting: dict[str, ServedText] = {}
        self._writing: asyncio.Future[None] | None = None

    async def keep(self, served: ServedText) -> None:
        """Those that come while others are written are written together."""
        self._waiting[served.guest] = served
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())
        await asyncio.shield(self._writing)

    async def last(self, name: str) -> ServedText:
        return await asyncio.to_thread(self._last, name)

    async def before(self, name: str) -> ServedText:
        return await asyncio.to_thread(self._before, name)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            await asyncio.to_thread(self._keep, list(batch.values()))

    def _keep(self, batch: list[ServedText]) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for served in batch:
            self._put(served)
        self._trim(len(batch))

    def _put(self, served: ServedText) -> None:
        file = self._file(served.guest)
        part = file.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump(asdict(served), opened)
        with contextlib.suppress(NotFound):
            if self._last(served.guest).install != served.install:
                file.replace(file.with_suffix(_BEFORE))
        part.replace(file)

    def _trim(self, written: int) -> None:
        """Looks at the folder once in a while: a look costs as much as it has files."""
        self._count = self._most if self._count is None else self._count + written
        if self._count < self._most:
            return
        files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in files[: max(0, len(files) - self._most)]:
            file.unlink(missing_ok=True)
            file.with_suffix(_BEFORE).unlink(missing_ok=True)
        self._count = min(len(files), self._most) - _SLACK

    def _last(self, name: str) -> ServedText:
        found = _read(self._file(name))
        if found is None:
            raise NotFound(f"no answer file was served to {name} yet")
        return found

    def _before(self, name: str) -> ServedText:
        found = _read(self._file(name).with_suffix(_BEFORE))
        if found is None:
            raise NotFound(f"no answer file of an earlier install of {name} is kept")
        return found

    def _file(self, name: str) -> Path:
        return self._folder / f"{check_name(name)}.json"


def _read(file: Path) -> ServedText | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return ServedText(**json.loads(file.read_text(encoding="utf-8")))
    return None
