"""`python -m provisioner.segment.guard PROGRAM …`: the program ends when our standard input does.

However the service ends, a program that knows nothing of it does not stay.
"""

import subprocess
import sys
import threading


def main(words: list[str]) -> int:
    """The program's exit code."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as child:

        def follow() -> None:
            sys.stdin.buffer.read()
            child.terminate()

        threading.Thread(target=follow, daemon=True).start()
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
