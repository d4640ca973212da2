"""How much the mirror may keep: what was not asked for longest makes room, and what is pinned never does."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from provisioner.mirror.objects import Lying, Objects

LOW = 0.9
"""Where a limit is reached, so much of it is left."""
_AGAIN_SECONDS = 5.0
_START_SECONDS = 3.0
_MIB = 1024 * 1024


class Room:
    """Blocking; for threads. Counts by itself what `added` and its own removals change.

    `quota` is the limit of all, `quota_of` that of a source, in bytes, 0 for none. Of the known `sources`
    those that are `pinned` are never removed from. `removed` is told the files that went, and returns once
    nobody holds them open that need not.
    """

    def __init__(
        self,
        objects: Objects,
        quota: int = 0,
        *,
        quota_of: Callable[[str], int] = lambda source: 0,
        sources: Callable[[], Collection[str]] = tuple,
        pinned: Callable[[str], bool] = lambda source: False,
        removed: Callable[[Collection[Path]], None] = lambda places: None,
    ) -> None:
        self._objects = objects
        self._quota = quota
        self._quota_of = quota_of
        self._sources = sources
        self._pinned = pinned
        self._removed = removed
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        self._tried = -_AGAIN_SECONDS

    def used(self, source: str = "") -> int:
        """Bytes kept, of all or of a source, as far as they were counted."""
        return self._sum(self._objects.folder(source).name if source else "")

    async def settle(self) -> None:
        """Counts once the service has started: a hundred thousand files take more than a second of it."""
        await asyncio.sleep(_START_SECONDS)
        await asyncio.to_thread(self.count)

    def count(self) -> None:
        """Counts what is kept, for a start; holds nobody up, and need not be exact."""
        self._counted()

    def added(self, source: str, size: int) -> None:
        """A file was kept. Removes others where that is too much."""
        name = self._objects.folder(source).name
        with self._lock:
            self._used[name] = self._used.get(name, 0) + size
            for limit, of in ((self._quota_of(source), name), (self._quota, "")):
                if limit and self._sum(of) > limit and not self._in_vain():
                    lying = self._counted()
                    if self._sum(of) > limit:
                        self._remove(lying, self._sum(of) - int(limit * LOW), of)

    def forget(self, source: str) -> None:
        """Removes all that is kept of a source."""
        with self._lock:
            self._objects.forget(source)
            self._used.pop(self._objects.folder(source).name, None)

    def make(self, size: int) -> bool:
        """Whether so many more bytes fit on the disk, a tenth of what is kept being removed for them."""
        if self._free() >= size:
            return True
        with self._lock:
            missing = size - self._free()
            if missing > 0 and not self._in_vain():
                lying = self._counted()
                self._remove(lying, max(missing, int(self._sum() * (1 - LOW))), least=missing)
            return self._free() >= size

    def _free(self) -> int:
        """Bytes, but for a fiftieth of the disk, which is left to others: the database may lie on it too."""
        status = self._objects.disk()
        spare = min(256 * _MIB, max(_MIB, status.f_blocks * status.f_frsize // 50))
        return status.f_bavail * status.f_frsize - spare

    def _in_vain(self) -> bool:
        """Whether there was nothing to remove a moment ago: a look at all that lies there takes its time."""
        return time.monotonic() - self._tried < _AGAIN_SECONDS

    def _sum(self, folder: str = "") -> int:
        return self._used.get(folder, 0) if folder else sum(list(self._used.values()))

    def _remove(self, lying: Sequence[Lying], size: int, folder: str = "", least: int = 0) -> None:
        """So many bytes of a source or of all, the least used first; none where not even `least` may go."""
        pinned = {self._objects.folder(source).name for source in self._sources() if self._pinned(source)}
        may = [one for one in lying if one.folder not in pinned and one.folder == (folder or one.folder)]
        if sum(one.size for one in may) < least:
            may = []
        gone: list[Path] = []
        for one in sorted(may, key=lambda one: one.used):
            if size <= 0:
                break
            one.place.unlink(missing_ok=True)
            gone.append(one.place)
            size -= one.size
            self._used[one.folder] -= one.size
        if gone:
            self._removed(gone)
        else:
            self._tried = time.monotonic()

    def _counted(self) -> Sequence[Lying]:
        lying = list(self._objects.lying())
        used: dict[str, int] = {}
        for one in lying:
            used[one.folder] = used.get(one.folder, 0) + one.size
        self._used = used
        return lying
