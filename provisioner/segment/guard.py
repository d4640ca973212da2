"""`python -m provisioner.segment.guard PROGRAM …`: the program ends when our standard input does.

However the service ends, a program that knows nothing of it does not stay. `ready` on our standard output
says that it runs.
"""

import contextlib
import subprocess
import sys
import threading

_BREATH = 0.3
"""Seconds in which a program that cannot serve has said so and ended."""


def main(words: list[str]) -> int:
    """The program's exit code."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as child:

        def follow() -> None:
            sys.stdin.buffer.read()
            child.terminate()

        threading.Thread(target=follow, daemon=True).start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(_BREATH)
        print("ready", flush=True)  # noqa: T201 - the service reads it
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
