"""What a machine does next tells what went wrong: sequences of what was seen, and what is found."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.boot.tracks import Finding, Tracks
from provisioner.core.install import Kind

MAC, ADDRESS = "52:54:00:12:34:56", "192.0.2.50"
OURS, RIVAL, OTHER = "192.0.2.1", "192.0.2.9", "192.0.2.10"
LOADER = "snponly.efi"

Step = Callable[[Tracks, float], Finding | None]


def offered(file: str = LOADER) -> Step:
    return lambda tracks, now: tracks.offered(MAC, file, now)


def refused(tracks: Tracks, now: float) -> None:
    tracks.refused(MAC, now)


def asked(tracks: Tracks, now: float) -> None:
    tracks.asked(MAC, now)


def answered(tracks: Tracks, now: float) -> None:
    tracks.answered(MAC)


def pxe(server: str) -> Step:
    return lambda tracks, now: tracks.asked_for_file(MAC, server, now)


def reads(file: str = LOADER, server: str = OURS) -> Step:
    return lambda tracks, now: tracks.requested(MAC, ADDRESS, server, file, now)


def sent(file: str = LOADER) -> Step:
    return lambda tracks, now: tracks.sent(ADDRESS, file, now)


def solicits(tracks: Tracks, now: float) -> Finding | None:
    return tracks.solicited(MAC, now)


# Each step takes a fifth of a second; a number is a pause.
CASES: dict[str, tuple[list[Step | float], list[str]]] = {
    "4011 of a rival, three times": (
        [asked, pxe(RIVAL), pxe(RIVAL), pxe(RIVAL), pxe(RIVAL)],
        [f"{RIVAL} was asked for the boot file on port 4011 again and again and does not answer"],
    ),
    "4011 of a rival, so fast that no answer could have come": (
        [pxe(RIVAL), -0.2, pxe(RIVAL), -0.2, pxe(RIVAL), -0.2, pxe(RIVAL)],
        [],
    ),
    "4011 answered at the second": ([pxe(RIVAL), pxe(RIVAL), answered, pxe(RIVAL), pxe(RIVAL)], []),
    "4011 of three servers, once each": ([pxe(RIVAL), pxe(OTHER), pxe(OURS)], []),
    "4011 over three boots": ([pxe(RIVAL), 31, pxe(RIVAL), 31, pxe(RIVAL)], []),
    "4011 of another boot": ([pxe(RIVAL), pxe(RIVAL), asked, pxe(RIVAL)], []),
    "4011 of ours, which we ignore": ([pxe(OURS), refused, pxe(OURS), refused, pxe(OURS)], []),
    "4011 of ours, which we go on ignoring": ([refused, *[pxe(OURS)] * 20], []),
    "4011 of ours, which we never hear": (
        [pxe(OURS), pxe(OURS), pxe(OURS)],
        [
            f"{OURS}, which is us, was asked for the boot file on port 4011 again and again "
            "and none of it came through"
        ],
    ),
    "a rival's file": (
        [asked, offered(), reads("pxelinux.0", RIVAL)],
        [f"takes pxelinux.0 from {RIVAL}, not {LOADER} from us"],
    ),
    "a rival's file by a machine that we offered nothing": ([asked, reads("pxelinux.0", RIVAL)], []),
    "a rival's file long after our offer": ([asked, offered(), 200, reads("x", RIVAL)], []),
    "our file": ([asked, offered(), reads()], []),
    "refused": (
        [asked, offered(), reads(), sent(), solicits, solicits, 5, solicits],
        [f"{LOADER} was fetched whole and not started: refused by Secure Boot?"],
    ),
    "refused, the size asked first, and the end told before the request": (
        [asked, offered(), reads(), sent(), reads(), solicits],
        [f"{LOADER} was fetched whole and not started: refused by Secure Boot?"],
    ),
    "refused again at the next boot": (
        [asked, offered(), reads(), sent(), solicits] * 2,
        [f"{LOADER} was fetched whole and not started: refused by Secure Boot?"] * 2,
    ),
    "started, and iPXE asks": (
        [asked, offered(), reads(), sent(), asked, solicits],
        [f"asks for a boot file over IPv6: its firmware has given {LOADER} up"],
    ),
    "started, and iPXE is offered its script": (
        [asked, offered(), reads(), sent(), asked, offered("http://x/boot/ipxe"), 5, solicits],
        ["asks for a boot file over IPv6: its firmware has given http://x/boot/ipxe up"],
    ),
    "started, and GRUB reads on": (
        [asked, offered(), reads(), sent(), reads("grub.cfg"), solicits],
        [f"asks for a boot file over IPv6: its firmware has given {LOADER} up"],
    ),
    "fetched whole and much later": (
        [asked, offered(), reads(), sent(), 11, solicits],
        [f"asks for a boot file over IPv6: its firmware has given {LOADER} up"],
    ),
    "fetched again and not whole": (
        [asked, offered(), reads(), sent(), 2, reads(), 1, solicits],
        [f"asks for a boot file over IPv6: its firmware has given {LOADER} up"],
    ),
    "never fetched": (
        [asked, offered(), 5, solicits, 5, solicits],
        [f"asks for a boot file over IPv6: its firmware has given {LOADER} up"],
    ),
    "no UEFI program": (
        [asked, offered("undionly.kpxe"), reads("undionly.kpxe"), sent("undionly.kpxe"), solicits],
        ["asks for a boot file over IPv6: its firmware has given undionly.kpxe up"],
    ),
    "a stranger over IPv6": ([asked, solicits], []),
}
KINDS = {
    "takes": Kind.LOADER_FOREIGN,
    "asks": Kind.DHCP_IPV6,
    LOADER: Kind.LOADER_REFUSED,
    RIVAL: Kind.DHCP_UNANSWERED,
    f"{OURS},": Kind.DHCP_UNANSWERED,
}


@pytest.mark.parametrize(("steps", "texts"), CASES.values(), ids=CASES)
def test_what_is_seen_and_what_is_found(steps: list[Step | float], texts: list[str]) -> None:
    tracks, now, found = Tracks(OURS), 1000.0, []
    for step in steps:
        now += 0.2 if callable(step) else step
        finding = step(tracks, now) if callable(step) else None
        found += [finding] if finding is not None else []

    assert [finding.text for finding in found] == texts
    for finding in found:
        assert finding.kind is KINDS[finding.text.split(" ")[0]]
        assert bool(finding.remedy) == (finding.kind is not Kind.DHCP_IPV6)


def test_machines_are_told_apart() -> None:
    tracks = Tracks(OURS)
    tracks.offered(MAC, LOADER, 1)
    other = "52:54:00:00:00:02"

    assert tracks.requested(other, "192.0.2.51", RIVAL, "x", 2) is None
    assert tracks.requested(MAC, ADDRESS, RIVAL, "x", 2) is not None


def test_strangers_without_number_are_forgotten() -> None:
    tracks = Tracks(OURS)
    for number in range(10_000):
        tracks.asked(f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}", 1.0)
        tracks.sent(f"192.0.{number >> 8}.{number & 255}", "x", 1.0)

    assert len(tracks._tracks) == len(tracks._sent) == 4096


OFFER, SENT = offered(), sent()
STEPS = [OFFER, SENT, refused, asked, answered, pxe(RIVAL), pxe(OURS), reads(), reads("x", RIVAL), solicits]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.floats(0, 200)), max_size=60))
def test_nothing_is_found_that_was_not_there(steps: list[tuple[Step, float]]) -> None:
    """Whatever the order: who has no offer takes nothing foreign, and what was not sent is not refused."""
    tracks, now = Tracks(OURS), 0.0
    last: dict[Step, float] = {}
    for step, pause in steps:
        now += pause
        finding = step(tracks, now)
        last[step] = now
        match finding:
            case Finding(kind=Kind.LOADER_REFUSED):
                assert now - last[SENT] <= 10
            case Finding(kind=Kind.LOADER_FOREIGN | Kind.DHCP_IPV6):
                assert now - last[OFFER] <= 120
