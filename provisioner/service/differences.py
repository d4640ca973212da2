"""What was last served to a guest, beside what it would be served now; secrets are *** in both."""

import difflib
import logging
from datetime import datetime

from provisioner.core.install import Install
from provisioner.service.answers import Answers
from provisioner.service.ports import AnswerArchive, Clock, ServedText

_log = logging.getLogger(__name__)


class Differences:
    def __init__(self, answers: Answers, archive: AnswerArchive, clock: Clock) -> None:
        self._answers = answers
        self._archive = archive
        self._clock = clock

    async def keep(self, install: Install, file: str, root: str, shown: str) -> None:
        """Remembers what has just been served, without its secrets. Where that cannot be, it is logged."""
        try:
            at = self._clock().isoformat(timespec="seconds")
            await self._archive.keep(ServedText(install.guest, install.id, file, root, at, shown))
        except Exception:
            _log.exception("install %s: what it was served is not kept", install.id)

    async def since_served(self, guest: str) -> str:
        """A unified diff, "" where nothing changed. Raises NotFound where nothing was served yet."""
        before = await self._archive.last(guest)
        after = await self._answers.preview(guest, before.root)
        return _unified(before, after, f"{before.file} as it would be served now")

    async def since_before(self, guest: str) -> str:
        """What its last install was served beside the one before. Raises NotFound where one of them is not
        known.
        """
        last = await self._archive.last(guest)
        served = f"{last.file} served to install {last.install}"
        return _unified(await self._archive.before(guest), last.text, served)


def _unified(before: ServedText, after: str, name: str) -> str:
    served = datetime.fromisoformat(before.at)
    lines = difflib.unified_diff(
        before.text.splitlines(),
        after.splitlines(),
        f"{before.file} served to {before.guest}",
        name,
        f"{served:%Y-%m-%d %H:%M:%S} UTC, install {before.install}",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)
