"""Many guests with installs at every stage, for the lab's page."""

from dataclasses import replace

from provisioner.core.install import Event, Kind
from provisioner.service.requests import Guest
from tests.edges.web.world import World, now

REASON = "the tree http://mirror.test/debian/13 does not answer: connection refused. Tried 5 times."
_COURSE: tuple[tuple[Kind, str, dict[str, object]], ...] = (
    (Kind.SCRIPT_SENT, "boot script", {}),
    (Kind.ANSWER_SERVED, "ks.cfg", {}),
    (Kind.TREE_BYTES, "image half way", {"percent": 55}),
    (Kind.SUCCEEDED, "", {}),
    (Kind.REBOOTED, "", {}),
)


def mac(number: int) -> str:
    return f"52:54:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


async def guests(world: World, count: int, *, prefix: str = "web", failing: int = 0) -> list[str]:
    """So many guests, the first `failing` of them failed, the others spread over the course of an install."""
    names = []
    for number in range(1, count + 1):
        name = f"{prefix}{number:04d}"
        profile = ("debian13-image", "alma9")[number % 2]
        install = await world.install(name, mac=mac(number), profile=profile)
        course = _COURSE[: 1 if number <= failing else (number * 7) % 6]
        events = [Event(k, now(), "test", install=install.id, text=t, data=d) for k, t, d in course]
        if number <= failing:
            events.append(Event(Kind.FAILED, now(), "test", install=install.id, text=REASON))
        await world.store.record(events)
        install = await world.store.install(install.id)
        state = "shut off" if number % 9 == 0 else "running"
        guest = Guest(name, install.uuid, state, True, 1024, 1, False, install.mac, profile, install)
        world.guests.guests[name] = replace(guest, screen=number % 4 != 3)
        names.append(name)
    return names
