"""Many guests with installs at every stage, for the lab's page."""

from dataclasses import replace

from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.ports import GuestRow
from provisioner.service.requests import Guest
from tests.edges.web.world import World, now

REASON = "the tree http://mirror.test/debian/13 does not answer: connection refused. Tried 5 times."
_Course = tuple[tuple[Kind, str, dict[str, object]], ...]
_BEGUN: _Course = ((Kind.CREATING, "", {}), (Kind.STARTED, "", {}))
_COURSE: _Course = (
    (Kind.SCRIPT_SENT, "boot script", {}),
    (Kind.ANSWER_SERVED, "ks.cfg", {}),
    (Kind.TREE_BYTES, "image half way", {"percent": 55}),
    (Kind.SUCCEEDED, "", {}),
    (Kind.REBOOTED, "", {}),
)


def uuid(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012d}"


def mac(number: int) -> str:
    return f"52:54:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


async def guests(world: World, count: int, *, prefix: str = "web", failing: int = 0) -> list[str]:
    """So many guests, the first `failing` of them failed, the others spread over the course of an install."""
    names = []
    for number in range(1, count + 1):
        name = f"{prefix}{number:04d}"
        profile = ("debian13-image", "alma9")[number % 2]
        install = Install(
            f"install-{name}", name, mac(number), uuid(number), profile, Stage.PLANNED, now(), now()
        )
        spec = GuestSpec(name, profile, install.uuid, nics=(Nic("network", "default", install.mac),))
        await world.store.add_install(install, GuestRow(spec, install.id, f"{name}.qcow2", now(), {}))
        course = _BEGUN + _COURSE[: 1 if number <= failing else (number * 7) % 6]
        events = [Event(k, now(), "test", install=install.id, text=t, data=d) for k, t, d in course]
        if number <= failing:
            events.append(Event(Kind.FAILED, now(), "test", install=install.id, text=REASON))
        await world.store.record(events)
        names.append(name)
    await appear(world)
    return names


async def appear(world: World) -> None:
    """The hypervisor's stand-in has a domain for each guest of the store."""
    for number, install in enumerate(reversed(await world.store.installs(limit=10_000)), 1):
        state = "shut off" if number % 9 == 0 else "running"
        guest = Guest(
            install.guest, install.uuid, state, True, 1024, 1, False, install.mac, install.profile, install
        )
        world.guests.guests[install.guest] = replace(guest, screen=number % 4 != 3)
