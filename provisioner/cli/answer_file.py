"""The file that `answer` verbs read: its text, and which installer it is for."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.errors import Told
from provisioner.cli.output import Format, document
from provisioner.core.errors import Invalid

if TYPE_CHECKING:
    from provisioner.answers.finding import Finding

file_argument = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
family_option = click.option(
    "--family", metavar="NAME", help="Kind of installer; told from the text by default."
)
release_option = click.option(
    "--release",
    default="",
    metavar="RELEASE",
    help="Whose syntax counts: rhel9, debian12, ubuntu24.04, leap15.6, or 9.",
)


def read(file: Path) -> str:
    """The text of the file, or of stdin for `-`."""
    try:
        with click.open_file(str(file)) as stream:
            return str(stream.read())
    except UnicodeDecodeError:
        raise Invalid(f"{file} is not a text file in UTF-8") from None


def kind_of(text: str, family: str | None, release: str) -> tuple[str, str]:
    """Family and release: as given, and the family else as the text looks. Raises Invalid."""
    from provisioner.answers.releases import named_release

    named, number = named_release(release)
    return family or named or guess(text), number


def guess(text: str) -> str:
    """The family whose answer files look like this one."""
    words = {line.split()[0] for line in text.splitlines() if line.strip()}
    start = text.lstrip()[:200]
    if start.startswith("{"):
        return "agama"
    if start.startswith("<"):
        return "suse"
    if start.startswith("#cloud-config") or re.search(r"(?m)^autoinstall:", text):
        return "ubuntu"
    if "d-i" in words:
        return "debian"
    return "image" if "liveimg" in words else "rhel"


def tell(file: Path, found: "Sequence[Finding]", output: Format) -> None:
    """Prints what was found, errors before warnings. Raises Told where there are errors."""
    from provisioner.answers.finding import errors

    wrong = list(errors(found))
    if output != "table":
        document([asdict(finding) for finding in found], output)
    else:
        for finding in wrong:
            click.echo(f"{file}: {finding}")
        for finding in found:
            if finding.warning:
                click.echo(f"{file}: warning: {finding}")
    if wrong:
        raise Told
