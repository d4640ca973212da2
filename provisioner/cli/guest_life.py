"""`provisioner guest …`: power, pausing, the console, the screen, clones."""

import sys
from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import guests
from provisioner.cli.finish import check_all_made, made_of
from provisioner.cli.names import each_named, several
from provisioner.cli.output import Format, document, output_option, remark
from provisioner.core.errors import Invalid, Unavailable

name_argument = click.argument("name", shell_complete=guests)
names_argument = click.argument("name", nargs=-1, required=True, metavar="NAME…", shell_complete=guests)


def _switch(verb: str, summary: str, done: str) -> click.Command:
    @click.command(verb, help=f"{summary} NAME may stand for several: web{{01..20}}.")
    @names_argument
    def command(name: tuple[str, ...]) -> None:
        api = connect()
        each_named(several(name), lambda one: api.post("guests", one, verb), done)

    return command


@click.command()
@name_argument
@click.option("--force", is_flag=True, help="Take it from whoever has it open.")
@click.option(
    "--tail",
    type=click.IntRange(0, 65536),
    default=2048,
    show_default=True,
    metavar="BYTES",
    help="Show so much of what the guest said before.",
)
def console(name: str, force: bool, tail: int) -> None:
    """Open a guest's serial console. Ctrl-] leaves it; the guest runs on."""
    from provisioner.cli.console import attach

    attach(connect(), name, force=force, tail=tail)


@click.command()
@name_argument
@click.option(
    "-f",
    "--file",
    "path",
    type=click.Path(dir_okay=False),
    help="Where to write it: NAME.png, or - for stdout.",
)
def screenshot(name: str, path: str | None) -> None:
    """Write a picture of a guest's screen as PNG."""
    target = path or f"{name}.png"
    if target == "-" and sys.stdout.isatty():
        raise Invalid("a picture is no text for a terminal", remedy="name a file: -f FILE.png")
    picture = connect().data("guests", name, "screenshot")
    if target == "-":
        sys.stdout.buffer.write(picture)
        return
    Path(target).write_bytes(picture)
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    click.echo(f"{target}: {width} x {height}")


@click.command()
@name_argument
@click.option("--password", is_flag=True, help="Set a new password, which expires, and print it.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 1440),
    default=10,
    show_default=True,
    help="How long the password opens the screen.",
)
@output_option
def display(name: str, password: bool, minutes: int, output: Format) -> None:
    """Print where a guest's screen listens, for a VNC viewer on the guest's host."""
    api = connect()
    if password:
        found = api.post("guests", name, "display", body={"minutes": minutes})
    else:
        found = api.get("guests", name, "display")
    if not found["loopback"]:
        click.echo(f"warning: the screen of {name} is open to more than its own host", err=True)
    if output != "table":
        document(found, output)
        return
    click.echo(found["uri"])
    if found["password"]:
        click.echo(found["password"])
        remark(f"the password opens it until {found['expires']}")
    elif found["locked"]:
        remark(f"it asks for a password; set one with: provisioner guest display {name} --password")


@click.command()
@click.argument("source", shell_complete=guests)
@click.argument("new", nargs=-1, required=True, metavar="NEW…")
@click.option("--linked", "kind", flag_value="linked", default=True, help="On a shared base [default].")
@click.option("--full", "kind", flag_value="full", help="A copy of the disk, which needs nothing else.")
@click.option("--start", is_flag=True, help="Power the clone on.")
@output_option
def clone(source: str, new: tuple[str, ...], kind: str, start: bool, output: Format) -> None:
    """Make guest NEW like SOURCE, which must be off: another name, UUID, MAC and disk.

    A linked clone freezes the disk of SOURCE as the base of both; both may be started afterwards. NEW may
    stand for several, by the shell or by us: web{01..20}.
    """
    names = several(new)
    api = connect()
    if len(names) == 1:
        made = [api.patient("guests", source, "clone", body={"name": names[0], "kind": kind})]
    else:
        lines = api.lines("guests", source, "clones", body={"names": names, "kind": kind})
        made = made_of(lines, names, "guest")
    if start:
        made = [_started(api, guest["name"]) for guest in made]
    if output != "table":
        document(made[0] if len(names) == 1 else made, output)
    else:
        for guest in made:
            told = f"cloned from {source} ({kind}), {guest['state']}, MAC {guest['mac']}"
            click.echo(f"{guest['name']}: {told}")
    check_all_made(made, names)


def _started(api: Api, name: str) -> Any:
    api.post("guests", name, "start")
    return api.get("guests", name)


@click.command()
@names_argument
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="Let so many of them boot at a time.")
def start(name: tuple[str, ...], at_once: int | None) -> None:
    """Power a guest on. NAME may stand for several: web{01..20}.

    With --at-once the next begins when one answers, or after two minutes.
    """
    api, names = connect(), several(name)
    if at_once is None:
        each_named(names, lambda one: api.post("guests", one, "start"), "started")
        return
    lines = api.lines("guests", "start", body={"names": names, "at_once": at_once})
    started = made_of(lines, names, "started", lambda one, _: remark(f"{one}: started"))
    if len(started) < len(names):
        raise Unavailable(f"{len(names) - len(started)} of {len(names)} guests were not started")


VERBS: tuple[click.Command, ...] = (
    start,
    _switch("shutdown", "Ask a guest's system to power off.", "asked to shut down"),
    _switch("reboot", "Ask a guest's system to reboot.", "asked to reboot"),
    _switch("destroy", "Cut a guest's power; its disk stays.", "powered off"),
    _switch("suspend", "Pause a guest's processors; it keeps its memory.", "paused"),
    _switch("resume", "Let a paused guest go on.", "goes on"),
    _switch("reset", "Press a guest's reset button.", "reset"),
    console,
    screenshot,
    display,
    clone,
)
