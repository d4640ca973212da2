"""Answer files are rendered and checked in a process of their own, which is kept warm.

`answers.worker` is that process. Whatever is asked is answered by a child of its own, within bounds of time
and memory; a process that died or hangs is replaced by another.
"""

import asyncio
import contextlib
import json
import os
import pickle
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import provisioner
from provisioner.answers.bounds import LINT, LONGEST, RENDER, Limits
from provisioner.answers.context import AnswerContext
from provisioner.answers.finding import Finding, Origins
from provisioner.core.errors import Invalid, ProvisionerError, Unavailable
from provisioner.distros.detect import family as family_of

_ROOT = str(Path(provisioner.__file__).parent.parent)
_AT_ONCE = 4
_START_SECONDS = 20.0
"""For the first word of a process that has to load its libraries first."""
_WORD_SECONDS = 2.0
"""For the first word of one that has them."""
_REST_SECONDS = 2.0
_GRACE = 0.5
_MOST = 8 * LONGEST
"""Bytes of an answer of the process: a text in JSON, or its findings."""


class AnswerProcess:
    """Satisfies `service.ports.Linter` and `service.ports.Renderer`. To be closed.

    `folder` is the user's own with templates.
    """

    def __init__(
        self,
        lint: Limits = LINT,
        render: Limits = RENDER,
        python: str = sys.executable,
        patience: float = _WORD_SECONDS,
        folder: Path | None = None,
    ) -> None:
        self._lint = lint
        self._render = render
        self._python = python
        self._patience = patience
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def pid(self) -> int | None:
        """Of the process that waits for questions, where one runs."""
        return self._process.pid if self._process else None

    async def lint(self, text: str, family: str, release: str) -> list[Finding]:
        """Findings in the order of their lines.

        Raises Invalid for a family or release that has no checker and for a text that is too long or takes
        too long, and Unavailable where the process broke.
        """
        if len(text) > LONGEST:
            raise Invalid(f"the answer file is longer than {LONGEST // 1024} KiB", remedy="make it shorter")
        syntax = family_of(family).syntax(release)
        request = {"task": "lint", "text": text, "family": family, "release": release}
        answer = await self._ask(request, self._lint, "the answer file could not be checked", syntax)
        return [Finding(**finding) for finding in answer["findings"]]

    async def render(self, template: str, context: AnswerContext) -> str:
        """As `answers.render.render`, within bounds. Raises Invalid, Unavailable."""
        request = {"task": "render", "template": template, "context": context, "folder": self._folder}
        return str((await self._ask(request, self._render, "the template did not end"))["text"])

    async def origins(self, template: str, context: AnswerContext, text: str) -> Origins:
        """As `answers.origins.origins`, within bounds. Raises Invalid, Unavailable."""
        request = {"task": "origins", "template": template, "context": context, "folder": self._folder}
        request["text"] = text
        answer = await self._ask(request, self._render, "the template did not end")
        return Origins(tuple((str(name), int(line)) for name, line in answer["places"]))

    async def warm(self, after: float = _REST_SECONDS) -> None:
        """Has the process ready before anybody asks; `after` seconds, for a start has more urgent things."""
        await asyncio.sleep(after)
        with contextlib.suppress(ProvisionerError):
            await self.lint("text\n", "rhel", "9")

    async def close(self) -> None:
        """Ends the process. Whatever it is at is left."""
        control, process = self._control, self._process
        self._control = self._process = None
        if control is not None:
            control.close()
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _ask(
        self, request: dict[str, Any], limits: Limits, late: str, syntax: str = ""
    ) -> dict[str, Any]:
        async with self._turns:
            try:
                out, taken = await self._once(request, limits, syntax)
            except (OSError, _Silent):
                # It died since the last question, or was ended from outside: another is started, once.
                await self.close()
                try:
                    out, taken = await self._once(request, limits, syntax)
                except (OSError, _Silent) as error:
                    raise Unavailable(
                        f"the process that reads answer files does not start: {error}",
                        remedy="try again; where it fails again, look whether memory is short",
                    ) from None
        return _understood(out, taken, limits, late)

    async def _once(self, request: dict[str, Any], limits: Limits, syntax: str) -> tuple[bytes, float]:
        """The child's answer and the seconds it took; raises what shows that there was no child."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                control, patience = await self._running()
                socket.send_fds(control, [syntax.encode() or b"-"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_MOST)
        child = 0
        try:
            async with asyncio.timeout(patience):
                word = await reader.readline()
            if not word:
                raise _Silent("it said nothing")
            child = int(word)
            began = time.monotonic()
            out = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(limits.seconds + _GRACE):
                    writer.write(pickle.dumps(request))
                    writer.write_eof()
                    out = await _all(reader)
            return out, time.monotonic() - began
        except TimeoutError:
            raise _Silent("it does not answer") from None
        finally:
            if child and not reader.at_eof():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            writer.close()

    async def _running(self) -> tuple[socket.socket, float]:
        """Where to ask, and how long to wait for a word."""
        async with self._starting:
            if self._control is None or self._process is None or self._process.returncode is not None:
                await self.close()
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._process = await asyncio.create_subprocess_exec(
                        *(self._python, "-m", "provisioner.answers.worker"),
                        stdin=theirs.fileno(),
                        stdout=asyncio.subprocess.DEVNULL,
                        start_new_session=True,  # a Ctrl-C in the terminal is the service's to handle
                        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": _ROOT},
                    )
                self._control = ours
                return ours, _START_SECONDS
            return self._control, self._patience


class _Silent(Exception):
    """The process did not even begin."""


async def _all(reader: asyncio.StreamReader) -> bytes:
    out = bytearray()
    while piece := await reader.read(65536):
        out += piece
        if len(out) > _MOST:
            return b""
    return bytes(out)


def _understood(out: bytes, taken: float, limits: Limits, late: str) -> dict[str, Any]:
    """Raises Invalid: the child ended without an answer because of what it was given."""
    try:
        answer = json.loads(out)
    except ValueError:
        if taken >= 0.9 * limits.least:
            sentence = f"{late} within {limits.least:g} seconds"
        else:
            sentence = f"{late}: it broke the process that reads it"
        raise Invalid(sentence, remedy="make it shorter or simpler") from None
    if "error" in answer:
        raise Invalid(str(answer["error"]), remedy=str(answer["remedy"]))
    if not isinstance(answer, dict):
        raise ProvisionerError(f"{late}")
    return answer
