"""What the demo prints at its end: the view from inside, what came from where, and how to go on."""

from collections.abc import Sequence
from typing import Any

import click

from provisioner.cli import records
from provisioner.cli.api import Api
from provisioner.cli.demo.login import Inside
from provisioner.cli.timeline import Lap, duration, laps, note
from provisioner.core.install import Event, Kind, Stage

_SOURCES = (
    ("boot offer", Kind.DHCP_OFFER),
    ("loader", Kind.LOADER_SENT),
    ("boot script", Kind.SCRIPT_SENT),
    ("kernel", Kind.KERNEL_SENT),
    ("initrd", Kind.INITRD_SENT),
    ("answer file", Kind.ANSWER_SERVED),
    ("packages", Kind.TREE_BYTES),
    ("report", Kind.SUCCEEDED),
    ("first boot", Kind.FIRST_BOOT),
)


def inside(guest: str, seen: Inside) -> None:
    """The answers that the installed system gave over SSH."""
    click.echo()
    click.echo(click.style(f"inside {guest}", bold=True) + f", by ssh root@{seen.address}")
    for question, answer in seen.answers:
        if question != "up":
            _line(question, answer, 18)


def closing(api: Api, installs: Sequence[dict[str, Any]], seen: Sequence[Inside], kvm: bool) -> None:
    """What came from where and how long each stage took, for each guest; then what can be done next."""
    for item, view in zip(installs, seen, strict=True):
        events = [e for e in map(records.event, api.get("installs", item["id"], "events")) if e is not None]
        _guest(item, events, view)
    names = [item["guest"] for item in installs]
    click.echo()
    _line("log in", f"provisioner guest ssh {names[0]}", 12)
    _line("look", f"provisioner guest list; provisioner install show {names[0]} --events", 12)
    _line("dashboard", "provisioner token      prints a fresh link", 12)
    _line("once more", f"provisioner guest rebuild {names[0]} --wait", 12)
    _line("remove all", "provisioner demo --clean", 12)
    click.echo()


def _guest(item: dict[str, Any], events: list[Event], view: Inside) -> None:
    passed = laps(records.install(item), events)
    total = (passed[-1].began - passed[0].began).total_seconds() + view.seconds
    click.echo()
    heading = click.style(f"{item['guest']}", bold=True)
    click.echo(f"{heading}: {view.answer('system')}; from power-on to login {duration(total)}")
    click.echo()
    for name, kind in _SOURCES:
        said = [event for event in events if event.kind is kind]
        if said:
            _line(name, note(said[-1]) or said[-1].source, 12)
    click.echo()
    for lap in passed:
        if _took_time(lap):
            _line(lap.stage.value, duration(lap.seconds(lap.began)).rjust(9), 12)
    _line("login", duration(view.seconds).rjust(9), 12)


def _took_time(lap: Lap) -> bool:
    return lap.ended is not None and lap.stage not in (Stage.PLANNED, Stage.INSTALLED)


def _line(name: str, text: str, width: int) -> None:
    click.echo(f"  {click.style(name.ljust(width), dim=True)}  {text}")
