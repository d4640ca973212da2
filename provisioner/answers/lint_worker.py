"""The process that checks one answer file: JSON on stdin, JSON on stdout, then it ends.

{"text", "family", "release"}  ->  {"findings": [sentence, …]}  or  {"error": sentence, "remedy": …}
"""

import json
import resource
import sys

from provisioner.answers.lint import lint
from provisioner.core.errors import ProvisionerError

MEMORY = 512 * 1024 * 1024
CPU_SECONDS = 10


def main() -> None:
    """Bounds this process before it looks at the text."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    request = json.load(sys.stdin)
    try:
        answer: dict[str, object] = {"findings": lint(request["text"], request["family"], request["release"])}
    except ProvisionerError as error:
        answer = {"error": str(error), "remedy": error.remedy}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
