"""Whether a tree's root is still there: a file that is not may be one that the tree never had."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from provisioner.core.errors import Unavailable
from provisioner.mirror.stream import Headers, Stream

Open = Callable[[str, str, Headers | None], AbstractAsyncContextManager[Stream]]

SEEN_SECONDS = 60.0
"""A root that gave a file is there so long without another question."""
GONE_SECONDS = 3600.0
_ANSWER_SECONDS = 5.0
_THERE = (200, 206, 416)


class Presence:
    """Of one root. For one event loop."""

    def __init__(self, open_file: Open, url: str) -> None:
        self._open = open_file
        self._url = url
        self._asking = asyncio.Lock()
        self._seen: dict[str, float] = {}
        self._gone: dict[str, float] = {}

    def gave(self, part: str) -> None:
        """It gave a file of this part of the tree, "" for all of it."""
        self._seen[part] = time.monotonic()
        self._gone.pop(part, None)

    def is_gone(self, part: str) -> bool:
        """Whether it was found to be gone within the hour."""
        return time.monotonic() - self._gone.get(part, -GONE_SECONDS) < GONE_SECONDS

    async def holds(self, part: str, keys: Sequence[str]) -> bool:
        """Whether one of the files `keys` is there, or that cannot be told. Many at once ask once."""
        async with self._asking:
            if time.monotonic() - self._seen.get(part, -SEEN_SECONDS) < SEEN_SECONDS:
                return True
            if self.is_gone(part):
                return False
            found = await asyncio.gather(*(self._there(key) for key in keys))
            if any(found):
                self.gave(part)
            elif None not in found:
                self._gone[part] = time.monotonic()
            return any(found) or None in found

    async def _there(self, key: str) -> bool | None:
        """None where there is no answer."""
        try:
            async with (
                asyncio.timeout(_ANSWER_SECONDS),
                self._open(self._url, key, {"Range": "bytes=0-0"}) as stream,
            ):
                return stream.status in _THERE
        except (Unavailable, TimeoutError):
            return None
