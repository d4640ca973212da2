"""Events of netboot: complete for our machines, few for the others."""

from datetime import UTC, datetime

from provisioner.boot.client import Ignore, Local
from provisioner.core.install import Event, Kind
from provisioner.netboot.told import Told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAC = "52:54:00:12:34:56"


def told() -> tuple[Told, list[Event]]:
    events: list[Event] = []
    who = {"192.0.2.9": MAC}.get
    return Told(events.append, lambda: NOON, who, Local("br0", "192.0.2.1")), events


def test_an_event_names_machine_and_interface() -> None:
    telling, events = told()
    telling.tell(Kind.LOADER_SENT, "tftp", "x: 5 bytes", address="192.0.2.9", data={"bytes": 5})

    assert events == [
        Event(
            Kind.LOADER_SENT,
            NOON,
            "tftp",
            machine=MAC,
            text="x: 5 bytes",
            data={"interface": "br0", "bytes": 5, "address": "192.0.2.9"},
        )
    ]


def test_what_is_ignored_is_told_once_a_minute_for_each_machine_and_reason() -> None:
    telling, events = told()
    for _ in range(50):
        telling.ignored("dhcp", Ignore("who is that"), mac=MAC)
        telling.ignored("dhcp", Ignore("and why"), mac=MAC)
        telling.ignored("dhcp", Ignore("who is that"), mac="52:54:00:00:00:02")

    assert [(event.machine, event.text) for event in events] == [
        (MAC, "who is that"),
        (MAC, "and why"),
        ("52:54:00:00:00:02", "who is that"),
    ]
    assert {event.kind for event in events} == {Kind.DHCP_IGNORED}


def test_what_mends_it_goes_with_the_event() -> None:
    telling, events = told()
    telling.ignored("dhcp", Ignore("its install is for aarch64", "cancel that"), mac=MAC, data={"arch": 7})
    telling.ignored("dhcp", Ignore("who is that"), mac=MAC, data={"arch": 7})

    assert [event.data for event in events] == [
        {"interface": "br0", "arch": 7, "remedy": "cancel that"},
        {"interface": "br0", "arch": 7},
    ]


def test_a_machine_that_boots_its_disk_is_a_local_boot_at_every_door() -> None:
    telling, events = told()
    telling.ignored("dhcp", Ignore("boot your disk: it is done"), mac=MAC)
    telling.ignored("tftp", Ignore("boot your disk: it is done, really"), mac=MAC)
    telling.ignored("tftp", Ignore("who is that"), mac=MAC)

    assert [event.kind for event in events] == [Kind.LOCAL_BOOT, Kind.LOCAL_BOOT, Kind.LOADER_FAILED]


def test_a_flood_of_strangers_is_a_trickle_of_events() -> None:
    telling, events = told()
    for number in range(5000):
        telling.ignored(
            "dhcp", Ignore("who is that"), mac=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"
        )

    assert len(events) <= 110
    telling.tell(Kind.DHCP_OFFER, "dhcp", "ours", mac=MAC)
    assert events[-1].text == "ours"
