"""What was kept of installs and is not wanted any more: too old, too much, of guests that are gone."""

from datetime import datetime, timedelta

from provisioner.core.errors import NotFound
from provisioner.service.ports import Clock, EvidenceFiles, GuestLogs, Store

_GONE = timedelta(days=7)
"""What is kept of an install whose guest was deleted, or was installed anew since."""
_LOGS = timedelta(hours=1)
"""libvirt may still be writing what a guest of ours says; nobody reads it any more once its guest is gone."""


class EvidenceSweep:
    """`days` is the most that anything is kept, `size` the most bytes of all; the oldest goes first."""

    def __init__(
        self, store: Store, files: EvidenceFiles, logs: GuestLogs, clock: Clock, *, days: int, size: int
    ) -> None:
        self._store = store
        self._files = files
        self._logs = logs
        self._clock = clock
        self._age = timedelta(days=days)
        self._size = size
        self._next: datetime | None = None

    async def mend(self) -> list[str]:
        """Looks once an hour. Returns what was removed, a sentence each."""
        now = self._clock()
        if self._next is not None and now < self._next <= now + timedelta(hours=1):
            return []
        self._next = now + timedelta(hours=1)
        current = {row.install for row in await self._store.guests()}
        current |= {install.id for install in await self._store.installs(active=True)}
        told = []
        kept = dict(await self._files.installs())
        for install, (newest, _) in list(kept.items()):
            age = now.timestamp() - newest
            most = self._age if install in current else min(_GONE, self._age)
            if age > most.total_seconds() or not await self._known(install):
                await self._files.remove(install)
                del kept[install]
                told.append(f"what was kept of install {install} is too old: removed")
        total = sum(size for _, size in kept.values())
        for install, (_, size) in sorted(kept.items(), key=lambda item: item[1][0]):
            if total <= self._size:
                break
            await self._files.remove(install)
            total -= size
            told.append(f"what was kept of install {install} made room for newer: removed")
        for install, written in (await self._logs.installs()).items():
            if install not in current and now.timestamp() - written > _LOGS.total_seconds():
                await self._logs.remove(install)
        return told

    async def _known(self, install: str) -> bool:
        try:
            return (await self._store.install(install)).id == install
        except NotFound:
            return False
