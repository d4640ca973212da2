"""What an installer and a first boot report: noted once, obeyed in time, the log kept with the install."""

import asyncio
from collections.abc import Mapping

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service import secrecy
from provisioner.service.consoles import Ended, Scan
from provisioner.service.ports import Clock, EvidenceFiles, Store

LOG_BYTES = 256 * 1024
"""Of a log that comes with a report, its end."""
_TOLD = 4096
_LINE = 300
_LOOKED_THROUGH, _MOST_TROUBLES = 2000, 10
_ONCE = frozenset({Kind.SUCCEEDED, Kind.FAILED, Kind.FIRST_BOOT})
_SAID = {Kind.PROGRESS: "progress", Kind.SUCCEEDED: "success", Kind.FAILED: "failure"}


async def _nobody(install: Install) -> None:
    return None


class Reports:
    """`ended` is told of an install that a report has ended, once."""

    def __init__(
        self,
        store: Store,
        files: EvidenceFiles,
        clock: Clock,
        secrets: secrecy.Secrets = secrecy.nothing,
        ended: Ended = _nobody,
        scan: Scan = lambda line: None,
    ) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._secrets = secrets
        self._ended = ended
        self._scan = scan
        self._one = asyncio.Lock()

    async def take(self, install: Install, kind: Kind, text: str, data: Mapping[str, object]) -> None:
        """`text` of any number of lines, the last of which tells; more than one is a log.

        A report that is sent again (curl tries several times) is the same report. One that comes after the
        install's end is written down as that, and changes nothing; a first boot may.
        """
        text = secrecy.masked(text, await self._secrets(install) if "\n" in text else ())
        first = headline(text)
        told: dict[str, object] = dict(data)
        if text != first:
            told["text"] = text[-_TOLD:]
        if kind in _ONCE or install.over:
            async with self._one:
                await self._once(install, kind, first, text, told)
        else:
            await self._record(install, kind, first or _SAID[kind], told)

    async def _once(
        self, install: Install, kind: Kind, first: str, text: str, data: dict[str, object]
    ) -> None:
        install = await self._store.install(install.id)
        said = first or _SAID.get(kind, str(kind))
        late = install.over and kind is not Kind.FIRST_BOOT
        if late:
            kind, said = Kind.LATE, f"reported {_SAID[kind]} after the install had ended: {said}"
        obeyed = kind is not Kind.SUCCEEDED or install.stage is Stage.FINISHING
        before = await self._store.events(install=install.id, kinds=[kind])
        if obeyed and any(kind is Kind.FIRST_BOOT or event.text == said for event in before):
            return
        if "text" in data and kind in (Kind.FAILED, Kind.LATE):
            data["log"] = await self._keep(install, text)
            await self._store.record(self._troubles(install, text))
        await self._record(install, kind, said, data)

    def _troubles(self, install: Install, text: str) -> list[Event]:
        """The last lines of a log that say what is wrong, each once, as if they had been sent one by one."""
        found: dict[str, str] = {}
        for line in reversed(text.splitlines()[-_LOOKED_THROUGH:]):
            sign = self._scan(line)
            if sign is not None and len(found) < _MOST_TROUBLES:
                found.setdefault(sign[0], line.strip()[:_LINE])
        return [
            Event(Kind.LOG, self._clock(), "report", install.mac, install.id, line)
            for line in reversed(found.values())
        ]

    async def _keep(self, install: Install, text: str) -> int:
        """Bytes kept; a full disk keeps nobody from reporting."""
        log = text.encode()[-LOG_BYTES:]
        try:
            await self._files.keep(install.id, "log", log)
        except ProvisionerError:
            return 0
        return len(log)

    async def _record(self, install: Install, kind: Kind, text: str, data: Mapping[str, object]) -> None:
        event = Event(kind, self._clock(), "http", install.mac, install.id, text, data)
        for changed in await self._store.record([event]):
            if changed.over and not install.over:
                await self._ended(changed)


def headline(text: str) -> str:
    """The last line that says something, which is where logs end; cut to what fits a timeline."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[-1]
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"
