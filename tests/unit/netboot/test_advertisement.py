"""The router advertisement's bytes, and the solicitation's."""

import struct

from provisioner.netboot.advertisement import empty_advertisement, link_local, solicitation

MAC = bytes.fromhex("525400aabbcc")


def folded(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def valid(frame: bytes) -> bool:
    """Whether the ICMPv6 checksum is right: with it, the sum over pseudo header and body is all ones."""
    length = struct.unpack("!H", frame[18:20])[0]
    return folded(frame[22:54] + struct.pack("!II", length, 58) + frame[54:]) == 0xFFFF


def test_the_advertisement_offers_nothing() -> None:
    frame = empty_advertisement(MAC)

    assert frame.hex(" ", 2) == (
        "3333 0000 0001 5254 00aa bbcc 86dd "
        "6000 0000 0018 3aff fe80 0000 0000 0000 5054 00ff feaa bbcc ff02 0000 0000 0000 0000 0000 0000 0001 "
        "8600 6091 0000 0000 0000 0000 0000 0000 0101 5254 00aa bbcc"
    )
    assert valid(frame)


def test_the_solicitation_comes_from_no_address() -> None:
    frame = solicitation(MAC)

    assert frame[:6].hex() == "333300000002"
    assert frame[22:38] == bytes(16)
    assert frame[54] == 133
    assert valid(frame)


def test_link_local_address() -> None:
    assert link_local(MAC).hex() == "fe80000000000000505400fffeaabbcc"
