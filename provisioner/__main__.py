"""The entry point: `provisioner` and `python -m provisioner`."""

import sys


def main() -> None:
    from provisioner.cli.errors import run
    from provisioner.cli.root import cli

    sys.exit(run(cli))


if __name__ == "__main__":
    main()
