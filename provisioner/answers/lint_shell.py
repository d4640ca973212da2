"""Whether a script is a shell script at all, without running it."""

import re
import subprocess

_MESSAGE = re.compile(r"^.*?: line (\d+): (.*)$")
_SECONDS = 5


def shell(script: str, first_line: int) -> list[str]:
    """bash's own findings; `first_line` is where the script begins in its file."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-n"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    if done.returncode == 0:
        return []
    for line in done.stderr.splitlines():
        found = _MESSAGE.match(line)
        if found:
            return [f"line {first_line + int(found[1]) - 1}: shell: {found[2]}"]
    return [f"line {first_line}: shell: {done.stderr.strip() or 'not a script'}"]
