"""Commands on a lab's file, as a person types them, with guests that are swept up after a run."""

import re
import subprocess
import sys
from pathlib import Path

from tests.lab.service import Service

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
_ASKS = re.compile(r"\b(apply|rebuild|reset)\b")
"""Verbs that ask before something is lost; here nobody is there to answer."""


def run(command: str, file: Path, service: Service) -> tuple[int, str]:
    """A command line's exit code and all that it said. FILE in it is the lab's file."""
    if _ASKS.search(command):
        command += " --yes"
    command = command.replace("FILE", str(file)).replace("provisioner ", f"{sys.executable} -m provisioner ")
    ran = subprocess.run(
        ["bash", "-c", command],
        env=service.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2400,
        check=False,
    )
    return ran.returncode, ran.stdout
