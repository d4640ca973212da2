"""TFTP packets: what real clients ask, and what broken ones get."""

import pytest

from provisioner.netboot import wire
from tests.unit.netboot.recorded import packet

READS = {
    "bios-undionly-3": wire.Read("undionly.kpxe", {"blksize": "1432", "tsize": "0"}),
    "uefi-pxe-3": wire.Read("snponly.efi", {"tsize": "0", "blksize": "1468", "windowsize": "4"}),
    "uefi-pxe-4": wire.Read("snponly.efi", {"blksize": "1468", "windowsize": "4"}),
}


@pytest.mark.parametrize(("name", "read"), READS.items(), ids=READS)
def test_real_clients(name: str, read: wire.Read) -> None:
    assert wire.request(packet(name)) == read


def rrq(rest: bytes) -> bytes:
    return b"\0\1" + rest


REQUESTS = {
    "plain": (rrq(b"a\0octet\0"), wire.Read("a", {})),
    "mode in capitals": (rrq(b"a\0OCTET\0"), wire.Read("a", {})),
    "option in capitals": (rrq(b"a\0octet\0BLKSIZE\x001000\0"), wire.Read("a", {"blksize": "1000"})),
    "padded": (rrq(b"a\0octet\0" + bytes(20)), wire.Read("a", {})),
    "netascii": (rrq(b"a\0netascii\0"), wire.Refusal(4, "only mode octet is served")),
    "mail": (rrq(b"a\0mail\0"), wire.Refusal(4, "only mode octet is served")),
    "no mode": (rrq(b"a\0"), wire.Refusal(4, "malformed request")),
    "nothing": (rrq(b""), wire.Refusal(4, "malformed request")),
    "name beyond ASCII": (rrq(b"\xff\xfe\0octet\0"), wire.Refusal(4, "malformed request")),
    "option without value": (rrq(b"a\0octet\0blksize\0"), wire.Refusal(4, "malformed request")),
    "too long": (rrq(b"a" * 600 + b"\0octet\0"), wire.Refusal(4, "request over 512 bytes")),
    "write": (b"\0\2a\0octet\0", wire.Refusal(2, "this server takes no files")),
    "broken write": (b"\0\2\xff", wire.Refusal(2, "this server takes no files")),
    "data": (b"\0\3\0\1abc", None),
    "ack": (b"\0\4\0\1", None),
    "error": (b"\0\5\0\1x\0", None),
    "unknown opcode": (b"\0\x63abc", None),
    "one byte": (b"\0", None),
    "empty": (b"", None),
}


@pytest.mark.parametrize(("data", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_request(data: bytes, expected: object) -> None:
    assert wire.request(data) == expected


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"User aborted\0", "User aborted"), (b"", ""), (b"\xffx", "\ufffdx"), (b"a\0b\0", "a")],
)
def test_the_text_of_an_error(data: bytes, text: str) -> None:
    assert wire.text(data) == text


def test_what_we_send() -> None:
    assert wire.oack({"blksize": 1432, "tsize": 7}) == b"\0\6blksize\x001432\0tsize\x007\0"
    assert wire.error(0, "boot your disk") == b"\0\5\0\0boot your disk\0"
    assert wire.error(1, "no file é") == b"\0\5\0\1no file ?\0"
    assert len(wire.error(1, "x" * 5000)) < 300
