"""The witness's filter, run as the kernel runs it, and what packets say."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.netboot.sightings import Answer, Question, Request, Solicit, filtering, sighting
from tests.unit.netboot.recorded import packet
from tests.unit.netboot.wires import BROADCAST, CLIENT, SERVER, data_block, passes, recorded, shown, udp

MAC = "52:54:00:7e:57:01"
OURS = "192.0.2.1"
FILTER = filtering(OURS)
TOLD = shown()


@pytest.mark.parametrize("name", TOLD)
def test_what_is_of_netboot_goes_through(name: str) -> None:
    assert passes(FILTER, TOLD[name])[0] == 2000


PORTS = st.sampled_from([1, 66, 67, 68, 69, 70, 546, 547, 1024, 4010, 4011, 4012, 8080, 40_000, 65_535])


@given(PORTS, PORTS, st.sampled_from([0, 0x2000, 1, 0x1FFF]))
def test_of_ipv4_nothing_else_goes_through(source: int, target: int, fragment: int) -> None:
    wanted = target in (69, 4011) or source in (67, 4011)
    passed, _ = passes(FILTER, udp(SERVER, source, CLIENT, target, bytes(24), fragment=fragment))

    assert bool(passed) == (wanted and not fragment & 0x1FFF)


@pytest.mark.parametrize(
    ("given", "names", "wakes"),
    [("0.0.0.0", OURS, False), ("0.0.0.0", SERVER, True), ("192.0.2.50", OURS, True)],
)
def test_our_own_offers_wake_nobody(given: str, names: str, wakes: bool) -> None:
    body = bytes(16) + IPv4Address(given).packed + IPv4Address(names).packed + bytes(216)

    assert bool(passes(FILTER, udp(OURS, 67, BROADCAST, 68, body))[0]) == wakes


def test_of_others_nothing_goes_through() -> None:
    tcp = bytearray(udp(CLIENT, 67, SERVER, 67, b""))
    tcp[9] = 6
    solicit = bytearray(recorded("uefi-solicit"))
    solicit[42:44] = b"\2\x22"  # to the client's port
    for data in (tcp, solicit, b"", b"\x46", b"\x60" * 30, data_block()[:20]):
        assert passes(FILTER, bytes(data))[0] == 0


@pytest.mark.parametrize(
    ("ports", "most"), [((40_001, 40_002), 10), ((40_002, 1_060), 12), ((1_060, 40_001), 12)]
)
def test_a_block_of_a_transfer_is_dropped_soon(ports: tuple[int, int], most: int) -> None:
    passed, steps = passes(FILTER, data_block(*ports))

    assert passed == 0
    assert steps <= most


@given(st.binary(max_size=200))
def test_the_filter_takes_any_bytes(data: bytes) -> None:
    assert passes(FILTER, data)[0] in (0, 2000)


def test_questions_and_answers() -> None:
    reply = sighting(TOLD["from 4011"])

    assert sighting(TOLD["to 4011"]) == Question(MAC, SERVER)
    assert isinstance(reply, Answer) and (reply.mac, reply.port, reply.reply) == (MAC, 4011, None)


def test_a_read_request() -> None:
    assert sighting(TOLD["read"]) == Request("192.168.181.83", "192.168.181.1", "snponly.efi")
    odd = udp(CLIENT, 1, SERVER, 69, b"\0\1/a\x1b[2J\\b\0octet\0")
    assert sighting(odd) == Request(CLIENT, SERVER, "a?[2J/b")
    for body in (b"\0\2up\0octet\0", b"\0\4\0\1", b"", b"\0\1" + b"x" * 600):
        assert sighting(udp(CLIENT, 1, SERVER, 69, body)) is None


def test_a_system_or_an_ipxe_that_solicits_is_no_firmware() -> None:
    firmware = recorded("uefi-solicit")
    vendor = firmware.index(b"\0\x10\0\x26", 48)
    system = firmware[:vendor]
    ipxe = firmware + b"\0\x0f\0\6\0\4iPXE"

    assert sighting(firmware) == Solicit()
    assert sighting(system) is None
    assert sighting(ipxe) is None
    assert sighting(firmware[:48] + b"\3" + firmware[49:]) is None, "a REQUEST"


def test_what_only_looks_like_it() -> None:
    question, request = packet("uefi-pxe-1"), packet("uefi-4011-3")
    for data in (
        udp(CLIENT, 68, SERVER, 67, question[:200]),
        udp(CLIENT, 68, SERVER, 4011, request[:236] + bytes(20)),
        udp(CLIENT, 68, SERVER, 67, b"\1\6" + question[2:]),
        udp(CLIENT, 4011, SERVER, 5000, request),
        udp(SERVER, 68, CLIENT, 67, b"\2" + question[1:]),
        TOLD["read"][:24],
    ):
        assert sighting(data) is None
