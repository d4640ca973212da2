"""`provisioner answer port`: what a kickstart needs before a later release takes it."""

from pathlib import Path

import click

from provisioner.cli.answer_file import file_argument, read, tell
from provisioner.cli.output import Format, output_option, remark


@click.command()
@file_argument
@click.option(
    "--from", "old", required=True, metavar="RELEASE", help="What it was written for, such as rhel7."
)
@click.option("--to", "new", required=True, metavar="RELEASE", help="What it is to install, such as rhel9.")
@output_option
def port(file: Path, old: str, new: str, output: Format) -> None:
    """Say what must change in kickstart FILE for another release; exit code 1 where anything must.

    Warnings are what works still and ought to be changed. No service is needed, and FILE stays as it is.
    """
    from provisioner.answers.port import port as compare
    from provisioner.answers.releases import named_release

    pairs = [named_release(name) for name in (old, new)]
    before, after = [(family or "rhel", release) for family, release in pairs]
    found = compare(read(file), before, after)
    tell(file, found, output)
    remark(f"{file}: {new} takes it as it is")
