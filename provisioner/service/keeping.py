"""The end of an install: what its guest said and showed last is kept with it.

Of a failed one the event KEPT tells it; its `data` are the bytes of `log`, `serial` and `screen`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service import secrecy
from provisioner.service.installs import guest_of
from provisioner.service.ports import Clock, EvidenceFiles, GuestLogs, GuestRow, LifeHosts, Piece, Store

_log = logging.getLogger(__name__)
TAIL = 256 * 1024
_TAIL_OF_SUCCESS = 32 * 1024
_SCREEN_SECONDS = 10.0
_CAUGHT_UP = timedelta(hours=1)
_NAMES: Mapping[Piece, str] = {
    "log": "its installer's log",
    "serial": "the end of its serial line",
    "screen": "its screen",
}


class Keeping:
    """`far` gives the end of the serial line of an install whose guest is on another host; `last_words` are
    the seconds that a guest is given to say more after it reported.
    """

    def __init__(
        self,
        store: Store,
        hosts: LifeHosts,
        files: EvidenceFiles,
        logs: GuestLogs,
        clock: Clock,
        secrets: secrecy.Secrets = secrecy.nothing,
        far: Callable[[str], bytes] = lambda install: b"",
        *,
        last_words: float = 2.0,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._files = files
        self._logs = logs
        self._clock = clock
        self._secrets = secrets
        self._far = far
        self._last_words = last_words
        self._looked: set[str] = set()
        self._working: set[asyncio.Task[None]] = set()

    async def ended(self, install: Install) -> None:
        """Begins to keep what there is of an install that has ended; nobody waits for it."""
        if install.id in self._looked:
            return
        self._looked.add(install.id)
        task = asyncio.create_task(self._keep(install))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def drain(self) -> None:
        """Returns when all that has begun is kept."""
        if self._working:
            await asyncio.wait(self._working)

    async def tick(self) -> None:
        """Looks after installs whose end was not told: nobody followed them, or the service was away."""
        since = self._clock() - _CAUGHT_UP
        for install in await self._store.installs(limit=200):
            if install.over and install.changed >= since and install.id not in self._looked:
                await self.ended(install)

    async def _keep(self, install: Install) -> None:
        try:
            kept = await self._gather(install)
        except ProvisionerError as error:
            _log.warning("install %s has ended, but what it said last is not kept: %s", install.id, error)
            return
        except Exception:
            _log.exception("install %s has ended, but what it said last is not kept", install.id)
            return
        if kept and install.stage is Stage.FAILED:
            names = " and ".join(_NAMES[piece] for piece in kept)
            event = Event(
                Kind.KEPT,
                self._clock(),
                "service",
                install.mac,
                install.id,
                f"kept: {names}",
                {str(piece): size for piece, size in kept.items()},
            )
            await self._store.record([event])

    async def _gather(self, install: Install) -> Mapping[Piece, int]:
        if {"serial", "screen"} & (await self._files.sizes(install.id)).keys():
            return {}  # an earlier run of the service has kept it
        row = await guest_of(self._store, install)
        failed = install.stage is Stage.FAILED
        secrets = await self._secrets(install)
        # The screen first: the guest may be about to reboot.
        if failed and row is not None and (picture := await self._screen(row)):
            await self._files.keep(install.id, "screen", picture)
        await asyncio.sleep(self._last_words)
        size = TAIL if failed else _TAIL_OF_SUCCESS
        said = await self._logs.tail(install.id, "serial", size) or self._far(install.id)[-size:]
        if said:
            await self._files.keep(install.id, "serial", secrecy.masked_bytes(said, secrets))
        log = await self._logs.tail(install.id, "log", size)
        if log and "log" not in await self._files.sizes(install.id):
            await self._files.keep(install.id, "log", secrecy.masked_bytes(log, secrets))
        return await self._files.sizes(install.id)

    async def _screen(self, row: GuestRow) -> bytes:
        try:
            async with asyncio.timeout(_SCREEN_SECONDS):
                return await self._hosts(row.uri).screenshot(row.spec.name, row.spec.uuid)
        except (ProvisionerError, TimeoutError):
            return b""  # it is off, or has no screen
