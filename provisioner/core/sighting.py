"""What an event tells of a machine that is no guest: that it is there, when it was seen, and where."""

from dataclasses import replace
from typing import Final

from provisioner.core.install import Event, Kind
from provisioner.core.machine import Machine, discovered_name

WIRE: Final = frozenset({"dhcp", "tftp", "http", "syslog"})
"""Sources of events that only a machine which is switched on brings about."""


def discovered(event: Event) -> Machine | None:
    """The machine that an event registers, None for every other kind of event."""
    if event.kind is not Kind.MACHINE_DISCOVERED:
        return None
    return Machine(
        discovered_name(event.machine),
        event.machine,
        _text(event, "uuid") or None,
        discovered=True,
        firmware=firmware(event),
        address=place(event),
        first_seen=event.at,
        last_seen=event.at,
    )


def spoke(event: Event) -> bool:
    """Whether the event's machine itself brought it about."""
    return bool(event.machine) and event.source in WIRE


def place(event: Event) -> str:
    """The IP address that the machine spoke from, "" where the event does not tell."""
    return _text(event, "address")


def firmware(event: Event) -> str:
    """The name of the machine's row in `core.firmware`, "" where the event does not tell."""
    return _text(event, "firmware")


def seen(machine: Machine, event: Event) -> Machine:
    """The machine after an event. A guest stays as it is."""
    if machine.guest or event.machine != machine.mac or not spoke(event):
        return machine
    return replace(
        machine,
        address=place(event) or machine.address,
        firmware=firmware(event) or machine.firmware,
        first_seen=machine.first_seen or event.at,
        last_seen=event.at,
    )


def _text(event: Event, name: str) -> str:
    value = event.data.get(name, "")
    return value if isinstance(value, str) else ""
