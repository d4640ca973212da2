"""Whether a script is a shell script at all, without running it."""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.answers.finding import Finding

_MESSAGE = re.compile(r"^.*?: (?:line )?(\d+): (.*)$")
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
_SECONDS = 5
_COMMANDS = {"bash": ["bash", "--noprofile", "--norc", "-n"], "sh": ["sh", "-n"]}


@dataclass(frozen=True, slots=True)
class Script:
    """`first_line` is where it begins in its file, `shell` one of bash and sh."""

    text: str
    first_line: int
    shell: str = "bash"


def shells(scripts: Iterable[Script]) -> list[Finding]:
    """The shells' own findings. Scripts without any cost one process together."""
    rows = list(scripts)
    if len(rows) > 1 and len({row.shell for row in rows}) == 1 and _all_good(rows):
        return []
    begun = [(script, _begin(script)) for script in rows]
    return [found for script, process in begun for found in _heard(script, process)]


def _all_good(scripts: list[Script]) -> bool:
    """Whether all are sound as the bodies of functions; a word of the shell, even a warning, says no."""
    bodies = (f"f() {{\n:\n{script.text}\n}}\n" for script in scripts)
    process = _begin(Script("".join(bodies), 1, scripts[0].shell))
    return not process.communicate(timeout=_SECONDS)[1] and process.returncode == 0


def shell(text: str, first_line: int) -> list[Finding]:
    """What bash finds in one script."""
    return shells([Script(text, first_line)])


def _begin(script: Script) -> subprocess.Popen[bytes]:
    with os.fdopen(
        os.memfd_create("script"), "w+b"
    ) as file:  # no pipe: a long script would wait for its reader
        file.write(script.text.encode("utf-8", "surrogateescape"))
        file.seek(0)
        return subprocess.Popen(
            _COMMANDS[script.shell],
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
        )


def _heard(script: Script, process: subprocess.Popen[bytes]) -> list[Finding]:
    try:
        _, complaints = process.communicate(timeout=_SECONDS)
    finally:
        process.kill()
    if process.returncode == 0:
        return []
    told = complaints.decode("utf-8", "replace")
    for line in told.splitlines():
        found = _MESSAGE.match(line)
        if found:
            return [Finding(script.first_line + int(found[1]) - 1, f"shell: {found[2]}")]
    return [Finding(script.first_line, f"shell: {told.strip() or 'not a script'}")]
