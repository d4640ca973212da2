"""Answer files are checked in a process of their own, bounded in time and memory."""

import asyncio
import json
import os
import sys
from pathlib import Path

import provisioner
from provisioner.core.errors import Invalid, Unavailable

SECONDS = 20.0
LONGEST = 1024 * 1024
"""Bytes of an answer file; installers read kilobytes."""
_ROOT = str(Path(provisioner.__file__).parent.parent)


class ProcessLinter:
    """Satisfies `service.ports.Linter`."""

    def __init__(self, seconds: float = SECONDS, python: str = sys.executable) -> None:
        self._seconds = seconds
        self._python = python

    async def lint(self, text: str, family: str, release: str) -> list[str]:
        """Findings as sentences with line numbers, empty where there are none.

        Raises Invalid for a family or release that has no checker and for a text that is too long or takes
        too long, and Unavailable where the process broke.
        """
        if len(text) > LONGEST:
            raise Invalid(f"the answer file is longer than {LONGEST // 1024} KiB", remedy="make it shorter")
        request = json.dumps({"text": text, "family": family, "release": release}).encode()
        process = await asyncio.create_subprocess_exec(
            *(self._python, "-m", "provisioner.answers.lint_worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": _ROOT},
        )
        try:
            async with asyncio.timeout(self._seconds):
                out, complaints = await process.communicate(request)
        except TimeoutError:
            raise Invalid(
                f"the answer file could not be checked within {self._seconds:g} seconds",
                remedy="make it shorter or simpler",
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _findings(process.returncode, out, complaints)


def _findings(status: int | None, out: bytes, complaints: bytes) -> list[str]:
    try:
        answer = json.loads(out)
    except ValueError:
        last = complaints.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Unavailable(
            f"the check of the answer file broke (status {status}): {' '.join(last) or 'no word'}",
            remedy="try again; where it breaks again, look whether memory is short",
        ) from None
    if "error" in answer:
        raise Invalid(answer["error"], remedy=answer["remedy"])
    return [str(finding) for finding in answer["findings"]]
