"""Runs this machine's virt-host-validate, whose verdicts ours are compared with."""

import asyncio
import os
import re

from provisioner.core.errors import Unavailable
from provisioner.core.readings import Line

_PROGRAM = "virt-host-validate"
_SECONDS = 30
_LINE = re.compile(
    r"\s*(?P<area>\w+): Checking (?P<question>.+?)\s*: "
    r"(?P<verdict>PASS|WARN|FAIL|NOTE)\b(?: \((?P<hint>.*)\))?"
)


class HostValidator:
    async def run(self) -> tuple[Line, ...]:
        """What it prints under LC_ALL=C. Raises Unavailable where it is not there or says nothing."""
        try:
            process = await asyncio.create_subprocess_exec(
                _PROGRAM,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C", "LANGUAGE": ""},
            )
        except OSError as error:
            raise Unavailable(
                f"{_PROGRAM} cannot be run here: {error.strerror}",
                remedy="install it: apt install libvirt-clients, or dnf install libvirt-client",
            ) from error
        try:
            async with asyncio.timeout(_SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Unavailable(f"{_PROGRAM} did not end within {_SECONDS} seconds") from None
        lines = parse(said.decode("utf-8", "replace"))
        if not lines:
            raise Unavailable(
                f"{_PROGRAM} printed no verdicts: {said[:200].decode('utf-8', 'replace').strip()!r}"
            )
        return lines


def parse(text: str) -> tuple[Line, ...]:
    """The lines that it printed under LC_ALL=C; what is none of its lines is passed over."""
    found = (_LINE.match(line) for line in text.splitlines())
    return tuple(Line(m["area"], m["question"], m["verdict"], m["hint"] or "") for m in found if m)
