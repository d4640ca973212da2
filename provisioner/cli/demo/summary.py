"""What the demo prints: each step, and at its end the view from inside and what came from where."""

from collections.abc import Sequence
from typing import Any

import click

from provisioner.cli import records
from provisioner.cli.api import Api
from provisioner.cli.demo.login import Inside
from provisioner.cli.timeline import Lap, duration, laps, note
from provisioner.core.install import Event, Kind, Stage

# Where each piece of an install came from: the last event of its kind says it.
_SOURCES = (
    ("boot offer", Kind.DHCP_OFFER, "by our ProxyDHCP"),
    ("loader", Kind.LOADER_SENT, ""),
    ("boot script", Kind.SCRIPT_SENT, "by our HTTP"),
    ("kernel", Kind.KERNEL_SENT, "by our HTTP"),
    ("initrd", Kind.INITRD_SENT, "by our HTTP"),
    ("answer file", Kind.ANSWER_SERVED, "once"),
    ("files", Kind.TREE_BYTES, "by our HTTP"),
    ("report", Kind.SUCCEEDED, ""),
    ("first boot", Kind.FIRST_BOOT, ""),
)


def step(name: str, what: str, seconds: float | None = None) -> None:
    """One thing that was done, and how long it took where that is of interest."""
    took = click.style(f"  {duration(seconds)}", dim=True) if seconds is not None and seconds >= 0.1 else ""
    click.echo(f"{click.style(name.ljust(11), bold=True)}{what}{took}")


def closing(api: Api, ended: Sequence[tuple[dict[str, Any], Inside]]) -> None:
    """Each guest from inside and from outside; then what can be done next."""
    for item, seen in ended:
        events = [e for e in map(records.event, api.get("installs", item["id"], "events")) if e is not None]
        _inside(item["guest"], seen)
        _outside(item, events, seen)
    first = ended[0][0]["guest"]
    click.echo(click.style("\nnow", bold=True))
    _line("log in", f"provisioner guest ssh {first}")
    _line("look round", f"provisioner guest list; provisioner install show {first} --events")
    _line("dashboard", "provisioner token, which prints a fresh link")
    _line("once more", f"provisioner guest rebuild {first} --wait")
    _line("remove all", "provisioner demo --clean")
    click.echo()


def _inside(guest: str, seen: Inside) -> None:
    """The answers that the installed system gave over SSH."""
    click.echo(f"\n{click.style(f'inside {guest}', bold=True)}, by ssh root@{seen.address}")
    for question, answer in seen.answers:
        _line(question, answer)


def _outside(item: dict[str, Any], events: Sequence[Event], seen: Inside) -> None:
    passed = laps(records.install(item), events)
    total = (passed[-1].began - passed[0].began).total_seconds() + seen.seconds
    click.echo(f"\n{click.style('what came from where', bold=True)}")
    for name, kind, how in _SOURCES:
        said = [event for event in events if event.kind is kind]
        if said:
            _line(name, ", ".join(filter(None, (note(said[-1]), how))))
    click.echo(f"\n{click.style('seconds a stage', bold=True)}, {duration(total)} from power-on to login")
    for lap in passed:
        if _took_time(lap):
            _line(lap.stage.value, duration(lap.seconds(lap.began)).rjust(9))
    _line("login", duration(seen.seconds).rjust(9))


def _took_time(lap: Lap) -> bool:
    return lap.ended is not None and lap.stage not in (Stage.PLANNED, Stage.INSTALLED)


def _line(name: str, text: str) -> None:
    click.echo(f"  {click.style(name.ljust(19), dim=True)}{text}")
