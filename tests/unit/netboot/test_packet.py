"""Real firmware's questions, replayed: who asks is understood, and the answer's bytes are what they take."""

import struct
from ipaddress import IPv4Address

import pytest

from provisioner.boot.client import Client, Ignore, Question, identify
from provisioner.boot.decide import Offer, decide
from provisioner.core.errors import Invalid
from provisioner.core.firmware import ALL
from provisioner.netboot import packet
from tests.unit.netboot.recorded import packets

MAC, UUID = "52:54:00:7e:57:01", "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
ROOT, SERVER = "http://192.0.2.1:8080", "192.0.2.1"
STUB = f"{ROOT}/boot/ipxe"
ASKED = {name: question for name, question in packets().items() if question[0] != 69}
# message, client, boot file, option 60 of the answer
EXPECTED = {
    "bios-rom-1": (1, "bios iPXE", STUB, "PXEClient"),
    "bios-rom-2": (3, "bios iPXE", STUB, "PXEClient"),
    "bios-undionly-1": (1, "bios iPXE", STUB, "PXEClient"),
    "bios-undionly-2": (3, "bios iPXE", STUB, "PXEClient"),
    "bios-undionly-4": (1, "bios iPXE", STUB, "PXEClient"),
    "bios-undionly-5": (3, "bios iPXE", STUB, "PXEClient"),
    "uefi-rom-1": (1, "uefi iPXE", STUB, "PXEClient"),
    "uefi-rom-2": (3, "uefi iPXE", STUB, "PXEClient"),
    "uefi-pxe-1": (1, "uefi", "snponly.efi", "PXEClient"),
    "uefi-pxe-2": (3, "uefi", "snponly.efi", "PXEClient"),
    "uefi-pxe-5": (1, "uefi iPXE", STUB, "PXEClient"),
    "uefi-pxe-6": (3, "uefi iPXE", STUB, "PXEClient"),
    "uefi-4011-1": (1, "uefi", "snponly.efi", "PXEClient"),
    "uefi-4011-2": (3, "uefi", "snponly.efi", "PXEClient"),
    "uefi-4011-3": (3, "uefi", "snponly.efi", "PXEClient"),
    "uefi-4011-6": (1, "uefi iPXE", STUB, "PXEClient"),
    "uefi-4011-7": (3, "uefi iPXE", STUB, "PXEClient"),
    "uefi-http-1": (1, "uefi-http", f"{ROOT}/boot/snponly.efi", "HTTPClient"),
    "uefi-http-2": (3, "uefi-http", f"{ROOT}/boot/snponly.efi", "HTTPClient"),
    "uefi-http-3": (1, "uefi iPXE", STUB, "PXEClient"),
    "uefi-http-4": (3, "uefi iPXE", STUB, "PXEClient"),
}
SYSTEMS = {
    "udhcp": "vendor class udhcp is an operating system's",
    "d-i": "vendor class d-i is an operating system's",
    "anaconda": "vendor class anaconda-Linux is an operating system's",
    "dhclient": "not a netboot client",
    "networkd": "not a netboot client",
}
# Each as a DISCOVER and as the REQUEST that follows.
SILENT = {f"{name}-{number}": reason for name, reason in SYSTEMS.items() for number in (1, 2)}


def asked(name: str) -> Question:
    port, data = ASKED[name]
    question = packet.decode(data, port)
    assert isinstance(question, Question)
    return question


def fields(reply: bytes) -> tuple[dict[str, object], dict[int, bytes]]:
    """A reply by hand, independently of the codec: header fields and options."""
    header = struct.unpack("!BBBBIHHIIII16s64s128s4s", reply[:240])
    assert header[14] == bytes.fromhex("63825363")
    names = ("op", "htype", "hlen", "hops", "xid", "secs", "flags", "ciaddr", "yiaddr", "siaddr", "giaddr")
    values: dict[str, object] = dict(zip(names, header, strict=False))
    values["chaddr"], values["file"] = header[11][:6].hex(":"), header[13].rstrip(b"\0").decode()
    options: dict[int, bytes] = {}
    rest = reply[240:]
    while rest[0] != 255:
        options[rest[0]] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    return values, options


@pytest.mark.parametrize("name", EXPECTED)
def test_firmware_is_understood_and_answered(name: str) -> None:
    message, who, file, vendor_class = EXPECTED[name]
    question = asked(name)

    client = identify(question)
    assert isinstance(client, Client)
    assert (question.message, question.mac, client.name) == (message, MAC, who)
    offer = decide(client, "netboot", "", ROOT, SERVER, ALL)
    assert isinstance(offer, Offer)

    header, options = fields(packet.encode(question, offer))
    assert header["op"] == 2
    assert header["xid"] == question.xid
    assert header["chaddr"] == MAC
    assert header["flags"] == 0x8000
    assert header["yiaddr"] == header["ciaddr"] == header["giaddr"] == 0
    assert header["siaddr"] == int(IPv4Address(SERVER))
    assert header["file"] == file
    assert options[53] == (b"\2" if message == 1 else b"\5")
    assert options[54] == IPv4Address(SERVER).packed
    assert options[60] == vendor_class.encode()
    assert options.get(43) == (None if vendor_class == "HTTPClient" else bytes.fromhex("060108ff"))
    assert set(options) <= {43, 53, 54, 60, 97}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_identity_is_echoed_as_sent(name: str) -> None:
    _, data = ASKED[name]
    question = asked(name)
    _, options = fields(packet.encode(question, Offer("x", SERVER, "PXEClient", True)))

    assert options[97] in data
    # iPXE sends the UUID as text shows it; EDK2 as SMBIOS keeps it, first three fields swapped.
    assert question.uuid in (UUID, "3a0f6e6b-4c2d-1e4b-9f5a-0123456789ab")


@pytest.mark.parametrize("name", sorted(SILENT))
def test_operating_systems_get_no_answer(name: str) -> None:
    ignore = identify(asked(name))

    assert isinstance(ignore, Ignore)
    assert SILENT[name] in ignore.reason


def test_a_request_tells_the_address_that_its_machine_will_have() -> None:
    assert asked("bios-rom-2").requested.startswith("192.168.177.")
    assert asked("uefi-4011-3").ciaddr.startswith("192.168.177.")


GOOD = ASKED["uefi-pxe-1"][1]


def changed(offset: int, value: bytes) -> bytes:
    return GOOD[:offset] + value + GOOD[offset + len(value) :]


def with_option(code: int, value: bytes) -> bytes:
    return GOOD[:240] + bytes((code, len(value))) + value + GOOD[240:]


def without_option(code: int) -> bytes:
    rest, kept = GOOD[240:], b""
    while rest and rest[0] != 255:
        length = 2 + rest[1]
        kept += b"" if rest[0] == code else rest[:length]
        rest = rest[length:]
    return GOOD[:240] + kept + b"\xff"


BROKEN = {
    "empty": b"",
    "short": GOOD[:239],
    "a reply": changed(0, b"\2"),
    "op 9": changed(0, b"\x09"),
    "no cookie": changed(236, b"\0\0\0\0"),
    "Token Ring": changed(1, b"\6"),
    "short hardware address": changed(2, b"\4"),
    "long hardware address": changed(2, b"\xff"),
    "multicast address": changed(28, b"\1"),
    "BOOTP": without_option(53),
    "identity of 5 bytes": without_option(97)[:-1] + b"\x61\x05\0abcd\xff",
    "identity of another type": without_option(97)[:-1] + b"\x61\x11\1" + bytes(16) + b"\xff",
    "giant": GOOD + bytes(5000),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_no_question_is_ignored(data: bytes) -> None:
    assert isinstance(packet.decode(data, 67), Ignore)


def test_strange_options_are_read_as_far_as_they_make_sense() -> None:
    question = packet.decode(without_option(60)[:-1] + b"\x3c\x04\xff\xfe\x00a" + b"\xff", 67)

    assert isinstance(question, Question)
    assert question.vendor_class == "???a"
    assert packet.decode(without_option(93), 67).code is None  # type: ignore[union-attr]


def test_user_class_is_read_with_and_without_its_length() -> None:
    for value in (b"iPXE", b"\4iPXE"):
        question = packet.decode(with_option(77, value), 67)
        assert isinstance(question, Question)
        assert question.user_class == "iPXE"


def test_a_boot_file_that_does_not_fit_is_refused() -> None:
    question = asked("bios-rom-1")
    packet.encode(question, Offer("f" * 127, SERVER, "PXEClient", True))

    with pytest.raises(Invalid, match="127 bytes"):
        packet.encode(question, Offer("f" * 128, SERVER, "PXEClient", True))
