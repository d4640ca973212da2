"""`provisioner answer …`: answer files as they will be served, and as their installers take them."""

from pathlib import Path

import click

from provisioner.cli.answer_file import family_option, file_argument, kind_of, read, release_option
from provisioner.cli.answer_lint import lint
from provisioner.cli.answer_port import port
from provisioner.cli.api import connect
from provisioner.cli.complete import guests
from provisioner.cli.errors import Told
from provisioner.cli.given import variable_option, variables
from provisioner.cli.output import remark


@click.group()
def answer() -> None:
    """Answer files as they will be served, and as their installers take them."""


answer.add_command(lint)
answer.add_command(port)


@answer.command()
@click.argument("name", shell_complete=guests)
def preview(name: str) -> None:
    """Print a guest's answer file; its secrets are shown as ***."""
    click.echo(connect().text("answers", "preview", name).rstrip("\n"))


@answer.command()
@click.argument("name", shell_complete=guests)
def diff(name: str) -> None:
    """Print what changed since a guest was served its answer file; exit code 1 where anything did.

    Secrets are *** on both sides. A rebuild would be given what is marked with +.
    """
    changed = connect().text("answers", "diff", name)
    if changed.strip():
        click.echo(changed.rstrip("\n"))
        raise Told
    remark(f"{name} would be given the same again")


@answer.command()
@file_argument
@family_option
@release_option
@variable_option
def render(file: Path, family: str | None, release: str, pairs: tuple[str, ...]) -> None:
    """Render the template FILE as if for a guest; - reads stdin."""
    text = read(file)
    family, release = kind_of(text, family, release)
    body = {"text": text, "family": family, "release": release, "variables": variables(pairs)}
    click.echo(str(connect().post("answers", "render", body=body)["text"]).rstrip("\n"))
