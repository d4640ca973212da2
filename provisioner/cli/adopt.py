"""`provisioner adopt …`: what was made for other tools, taken over; what cannot be is told."""

import re
import sys
from pathlib import Path

import click

from provisioner.cli.answer_file import file_argument, read
from provisioner.cli.errors import say
from provisioner.core.errors import Invalid


@click.group()
def adopt() -> None:
    """Take over what was made for other tools. Nothing is changed, and no service is needed.

    The result is printed; what cannot be taken over is told on stderr, each thing with its reason.
    """


@adopt.command("virt-install")
@click.argument("command", nargs=-1, required=True, metavar="'COMMAND'")
def virt_install(command: tuple[str, ...]) -> None:
    """Print the `guest create` for a COMMAND of virt-install, quoted as one word; - reads stdin."""
    from provisioner.cli.virt_install import adopt as take

    text = sys.stdin.read() if command == ("-",) else " ".join(command)
    made = take(text)
    for left in made.left:
        say(f"not taken: {left}")
    for note in made.notes:
        say(f"note: {note}")
    if made.profile:
        say("to be chosen: PROFILE, which says what is installed", remedy="provisioner profile list")
    click.echo(made.command)


@adopt.command()
@file_argument
@click.option("--release", default="", metavar="RELEASE", help="Which release it is for, such as rhel9.")
@click.option(
    "--tree", default="", metavar="NAME", help="The tree to install from; named after FILE by default."
)
def kickstart(file: Path, release: str, tree: str) -> None:
    """Print a profile in TOML for kickstart FILE, for provisioner profile create NAME --file.

    Its tree, host name and reports become ours; every other command is kept as it is.
    """
    from provisioner.answers.adopt import adopt as take
    from provisioner.answers.adopt import release_of
    from provisioner.answers.finding import errors
    from provisioner.answers.lint import lint
    from provisioner.answers.releases import named_release
    from provisioner.cli.toml import dump

    text = read(file)
    family, number = named_release(release) if release else release_of(text)
    if not number:
        raise click.UsageError("the file does not say which release it is for: --release rhel9")
    family = family or "rhel"
    found = list(errors(lint(text, family, number)))
    made = take(text, family, number)
    name = re.sub(r"[^a-z0-9.-]+", "-", file.stem.lower()).strip("-.") or "adopted"
    tree = tree or name
    for note in made.notes:
        say(f"note: {note}")
    for finding in found:
        say(f"would be refused: {finding}")
    if made.source:
        say(f"first: provisioner tree add {tree} {made.source}")
    if "'''" in made.template or re.search("[\x00-\x08\x0b-\x1f\x7f]", made.template):
        raise Invalid(f"{file} holds ''' or a control character, which a profile in TOML cannot")
    fields = {"family": family, "release": number, "tree": tree, "summary": f"From {file.name}"}
    click.echo(f"{dump(fields)}template = '''\n{made.template}'''")
