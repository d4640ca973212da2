"""What events tell of machines that are no guests, kept with the events."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, insert, or_, select, update

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
_AT = bindparam("at", type_=UtcDateTime)
_SEEN = update(machines).where(machines.c.mac == bindparam("of"), machines.c.guest.is_(False))
_SEEN = _SEEN.values(last_seen=_AT, first_seen=func.coalesce(machines.c.first_seen, _AT))
_PLACED = _SEEN.values(address=bindparam("place"))


async def see(session: Session, happened: Sequence[Event]) -> None:
    """Registers the machines that netboot discovered, and notes of each when and where it was seen last."""
    latest: dict[str, tuple[Event, str]] = {}
    for event in happened:
        found = sighting.discovered(event)
        if found is not None:
            taken = await session.scalar(_SAME, {"a_name": found.name, "a_mac": found.mac})
            if taken is None:
                await session.execute(_ADD, rows.plain_values(found))
        if sighting.spoke(event):
            _, before = latest.get(event.machine, (event, ""))
            latest[event.machine] = event, sighting.place(event) or before
    for mac, (event, place) in latest.items():
        values = {"of": mac, "at": event.at}
        await session.execute(*((_PLACED, {**values, "place": place}) if place else (_SEEN, values)))
