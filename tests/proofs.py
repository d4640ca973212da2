"""Faults that were caused, as the explanation of an install is told of them.

A test that causes a fault for real is marked `proves("name of the diagnosis")`.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from provisioner.core.install import Event, Install, Kind, Stage, advance
from provisioner.service.why import Why, explain
from tests.fakes import START

proves = pytest.mark.proves
MADE = (Kind.PLANNED, Kind.CREATING, Kind.STARTED)
OFFERED = (*MADE, Kind.DHCP_QUESTION, Kind.DHCP_OFFER)
LOADED = (*OFFERED, Kind.LOADER_SENT, Kind.SCRIPT_SENT, Kind.KERNEL_SENT, Kind.INITRD_SENT)
ANSWERED = (*LOADED, Kind.ANSWER_SERVED)


def explained(before: Iterable[Kind], happened: Iterable[Event], *, late: bool = True) -> Why:
    """The explanation of an install that came as far as `before` says; `late`: the watchdog ended it."""
    install = Install("i1", "web1", "52:54:00:7e:57:01", "u", "p", Stage.PLANNED, START, START)
    ends = [Event(Kind.DEADLINE, START, "service", text="late")] if late else []
    past = [Event(kind, START, "test", text=str(kind)) for kind in before]
    events = []
    for number, event in enumerate((*past, *happened, *ends), 1):
        install = advance(install, event)
        events.append(replace(event, id=number, install=install.id))
    return explain(install, events)


def spoken(console: str) -> list[Event]:
    """What a serial line said, as the lines of a log."""
    return [Event(Kind.LOG, START, "console", text=line) for line in console.splitlines() if line.strip()]
