"""What events tell of machines that are no guests, kept with the events."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, String, bindparam, case, func, insert, or_, select, update

from provisioner.core import sighting
from provisioner.core.install import Event
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.tables import UtcDateTime, machines

# Made once: most of what a small statement costs is putting it together.
_ADD = insert(machines)
_SAME = (
    select(machines.c.name)
    .where(or_(machines.c.name == bindparam("a_name"), machines.c.mac == bindparam("a_mac")))
    .limit(1)
)


def _unless_empty(column: Column[str], name: str) -> ColumnElement[str]:
    given = bindparam(name, type_=String)
    return case((given != "", given), else_=column)


_SEEN = (
    update(machines)
    .where(machines.c.mac == bindparam("of"), machines.c.guest.is_(False))
    .values(
        address=_unless_empty(machines.c.address, "place"),
        firmware=_unless_empty(machines.c.firmware, "kind"),
        first_seen=func.coalesce(machines.c.first_seen, bindparam("since", type_=UtcDateTime)),
        last_seen=bindparam("at", type_=UtcDateTime),
    )
)


async def see(session: Session, happened: Sequence[Event]) -> None:
    """Registers the machines that netboot discovered, and notes of each when and where it was seen last."""
    spoke: dict[str, list[Event]] = defaultdict(list)
    for event in happened:
        if (found := sighting.discovered(event)) is not None:
            taken = await session.scalar(_SAME, {"a_name": found.name, "a_mac": found.mac})
            if taken is None:
                await session.execute(_ADD, rows.plain_values(found))
        if sighting.spoke(event):
            spoke[event.machine].append(event)
    if spoke:
        await session.execute(_SEEN, [_values(mac, spoke[mac]) for mac in sorted(spoke)])


def _values(mac: str, events: Sequence[Event]) -> rows.Values:
    return {
        "of": mac,
        "since": events[0].at,
        "at": events[-1].at,
        "place": next(filter(None, map(sighting.place, reversed(events))), ""),
        "kind": next(filter(None, map(sighting.firmware, reversed(events))), ""),
    }
