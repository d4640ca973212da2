"""Asks before something is lost."""

import sys

import click

from provisioner.core.errors import Invalid


def confirm(what: str, question: str, *, yes: bool, details: str = "") -> None:
    """Says `what` goes, with its details, and asks.

    Raises Invalid where nobody can answer, Abort where the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid(f"{what} Nobody is at the terminal to confirm it.", remedy="repeat it with --yes")
    click.echo(f"{details}\n{what}" if details else what, err=True)
    if not click.confirm(question, err=True):
        raise click.Abort
