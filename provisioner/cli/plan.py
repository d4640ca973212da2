"""`provisioner plan`: what a lab's file would change."""

from pathlib import Path

import click

from provisioner.cli.lab_file import WAITING, file_argument, lines, params, prune_option, text_of
from provisioner.cli.output import Format, document, output_option


def _schema(ctx: click.Context, _parameter: click.Parameter, on: bool) -> None:
    if on and not ctx.resilient_parsing:
        from provisioner.lab.schema import schema

        document(schema(), "json")
        ctx.exit()


@click.command()
@file_argument
@prune_option
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_schema,
    help="Print the JSON schema of such files, for editors; nobody is asked.",
)
@output_option
def plan(file: Path, *, prune: bool, output: Format) -> int:
    """Say what `provisioner apply FILE` would do; nothing is changed. FILE may be - for stdin.

    \b
    + added   ~ changed in place   ± made anew, its disks lost   - removed
    ! refused   ? its host does not answer   . no longer in the file

    Exit code 0: nothing to do, 3: changes wait, 1: it cannot be said of everything, 2: a wrong command line.
    """
    from provisioner.cli.api import connect

    text = text_of(file)
    found = connect().hand("lab", "plan", text=text, **params(file, prune=prune))
    if output != "table":
        document(found, output)
    else:
        for line in lines(found):
            click.echo(line)
    if found["counts"]["unknown"] or found["counts"]["refuse"]:
        return 1
    return WAITING if found["waiting"] else 0
