"""`provisioner answer …`: kickstart and preseed files as they will be served."""

from pathlib import Path

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import guests
from provisioner.cli.errors import Told
from provisioner.cli.output import Format, document, output_option, remark
from provisioner.cli.profile import variable_option, variables
from provisioner.core.errors import Invalid

_FAMILIES = ("rhel", "debian", "image")
file_argument = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
family_option = click.option(
    "--family", type=click.Choice(_FAMILIES), help="Kind of installer; told from the text by default."
)
release_option = click.option("--release", default="", help="Release whose syntax counts, such as 7 or 13.")


@click.group()
def answer() -> None:
    """Kickstart and preseed files as they will be served."""


@answer.command()
@click.argument("name", shell_complete=guests)
def preview(name: str) -> None:
    """Print a guest's answer file; its secrets are shown as ***."""
    click.echo(connect().text("answers", "preview", name).rstrip("\n"))


@answer.command()
@file_argument
@family_option
@release_option
@variable_option
def render(file: Path, family: str | None, release: str, pairs: tuple[str, ...]) -> None:
    """Render the template FILE as if for a guest; - reads stdin."""
    text = _read(file)
    body = {
        "text": text,
        "family": family or guess(text),
        "release": release,
        "variables": variables(pairs),
    }
    click.echo(str(connect().post("answers", "render", body=body)["text"]).rstrip("\n"))


@answer.command()
@file_argument
@family_option
@release_option
@output_option
def lint(file: Path, family: str | None, release: str, output: Format) -> None:
    """Check FILE as its installer would; exit code 1 where it would stop."""
    text = _read(file)
    body = {"text": text, "family": family or guess(text), "release": release}
    findings = connect().post("answers", "lint", body=body)["findings"]
    if output != "table":
        document(findings, output)
    for finding in findings if output == "table" else ():
        click.echo(f"{file}: {finding}")
    if findings:
        raise Told
    remark(f"{file}: nothing found")


def guess(text: str) -> str:
    """debian where a line begins with `d-i`, image where a kickstart streams one, else rhel."""
    words = {line.split()[0] for line in text.splitlines() if line.strip()}
    if "d-i" in words:
        return "debian"
    return "image" if "liveimg" in words else "rhel"


def _read(file: Path) -> str:
    try:
        with click.open_file(str(file)) as stream:
            return str(stream.read())
    except UnicodeDecodeError:
        raise Invalid(f"{file} is not a text file in UTF-8") from None
