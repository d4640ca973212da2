"""Frames on a wire become one machine's conversation: no file in it, no token, nobody else's packet."""

import struct

import pytest

from provisioner.boot.conversation import Run
from provisioner.netboot import packet
from provisioner.netboot.transcript import Transcript
from tests.unit.netboot.recorded import packet as recorded

MAC, OTHER, SERVER = "52:54:00:7e:57:01", "52:54:00:00:00:09", "52:54:00:00:00:01"
HERE, THERE = "192.0.2.50", "192.0.2.1"
TOKEN = "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNO-"
DISCOVER = recorded("bios-rom-1")


def frame(
    payload: bytes,
    ports: tuple[int, int],
    macs: tuple[str, str] = (MAC, SERVER),
    ips: tuple[str, str] = (HERE, THERE),
    *,
    tcp: bool = False,
    whole: int | None = None,
) -> bytes:
    """An Ethernet frame. `whole` is the IPv4 packet's length as its header says it."""
    head = struct.pack("!HH", *ports)
    head += struct.pack("!IIBBHHH", 0, 0, 5 << 4, 24, 1000, 0, 0) if tcp else bytes(4)
    length = 20 + len(head) + len(payload) if whole is None else whole
    addresses = b"".join(bytes(map(int, ip.split("."))) for ip in ips)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, 6 if tcp else 17, 0) + addresses
    source, target = (bytes.fromhex(mac.replace(":", "")) for mac in macs)
    return target + source + b"\x08\0" + ip + head + payload


def asked(payload: bytes, port: int, mac: str = MAC) -> bytes:
    return frame(payload, (2070, port), (mac, SERVER))


def said(payload: bytes, port: int = 40000, mac: str = MAC) -> bytes:
    return frame(payload, (port, 2070), (SERVER, mac), (THERE, HERE))


def heard(*frames: bytes, mac: str = MAC) -> Transcript:
    transcript = Transcript(mac)
    for number, each in enumerate(frames):
        transcript.hear(each, 100 + number / 10)
    return transcript


def test_the_first_netboot_client_is_followed() -> None:
    own = packet.ask(OTHER, 7)
    stranger = recorded("udhcp-1").replace(bytes.fromhex(MAC.replace(":", "")), bytes.fromhex("525400000008"))
    transcript = heard(
        frame(own, (68, 67), (OTHER, SERVER)),
        frame(stranger, (68, 67), ("52:54:00:00:00:08", SERVER)),
        frame(DISCOVER, (68, 67)),
        frame(packet.ask(OTHER, 8, take="192.0.2.9"), (68, 67), (OTHER, SERVER)),
        mac="",
    )

    assert transcript.mac == MAC
    (only,) = transcript.packets
    assert (only.at, only.sender, only.protocol, only.payload) == (0, "client", "dhcp", DISCOVER)
    assert only.summary.startswith("DISCOVER, PXEClient:Arch:00000:UNDI:002001, architecture 0")


def test_a_file_is_block_numbers_and_sizes() -> None:
    blocks = [said(struct.pack("!HH", 3, number) + bytes(1024)) for number in (1, 2, 3)]
    acks = [asked(struct.pack("!HH", 4, number), 40000) for number in (0, 1, 2, 3, 4)]
    transcript = heard(
        asked(b"\0\1x.efi\0octet\0blksize\x001024\0", 69),
        said(b"\0\6blksize\x001024\0"),
        acks[0],
        *(each for pair in zip(blocks, acks[1:], strict=False) for each in pair),
        said(struct.pack("!HH", 3, 4) + b"end"),
        acks[4],
    )

    assert [each.summary for each in transcript.packets] == [
        "asks for x.efi, blksize 1024",
        "agrees, blksize 1024",
        "has block 0",
        "blocks 1 to 3 of 1024 bytes",
        "has blocks 1 to 4",
        "block 4 of 3 bytes",
    ]
    assert transcript.packets[3].payload == Run("DATA", 1, 3, 1024)


def test_a_window_in_one_frame_is_its_blocks() -> None:
    """As the kernel shows what it cuts up on the way out; the frame's end is not read."""
    window = struct.pack("!HH", 3, 1) + bytes(512) + struct.pack("!HH", 3, 2) + bytes(100)
    cut = frame(window[:200], (40000, 2070), (SERVER, MAC), (THERE, HERE), whole=28 + len(window))
    transcript = heard(asked(b"\0\1x\0octet\0", 69), cut)

    assert [each.payload for each in transcript.packets[1:]] == [
        Run("DATA", 1, 1, 512),
        Run("DATA", 2, 2, 100),
    ]


def test_a_block_again_is_told() -> None:
    block = said(struct.pack("!HH", 3, 1) + bytes(512))
    transcript = heard(asked(b"\0\1x\0octet\0", 69), block, block)

    assert [each.summary for each in transcript.packets[1:]] == ["block 1 of 512 bytes"] * 2


def test_tokens_and_what_unlocks_are_masked() -> None:
    head = (
        f"GET /boot/script/{TOKEN}?mac=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hunter2\r\n"
        f"cookie: hunter3\r\nReferer: http://me:hunter4@x/answer/{TOKEN}/ks.cfg\r\n\r\nbody hunter5"
    )
    read = b"\0\1grub/%b\0octet\0" % TOKEN.encode()
    transcript = heard(frame(head.encode(), (3000, 8080), tcp=True), asked(read, 69))

    script, file = transcript.packets
    assert script.summary == "GET /boot/script/***?mac=1 HTTP/1.1"
    assert script.payload == (
        "GET /boot/script/***?mac=1 HTTP/1.1",
        "Host: x",
        "Authorization: ***",
        "cookie: ***",
        "Referer: http://***@x/answer/***/ks.cfg",
    )
    assert file.summary == "asks for grub/***"
    assert file.payload == read.replace(TOKEN.encode(), b"*" * 43)


STRANGE = {
    "another machine's file": asked(b"\0\1x\0octet\0", 69, OTHER),
    "a transfer that was not asked for": said(struct.pack("!HH", 3, 1) + bytes(512)),
    "another machine's page": frame(b"GET / HTTP/1.1\r\n\r\n", (1, 80), (OTHER, SERVER), tcp=True),
    "nothing in it": frame(b"", (68, 67)),
    "too short for DHCP": frame(b"\1\1\6\0", (68, 67)),
    "IPv6": DISCOVER[:12] + b"\x86\xdd" + bytes(60),
    "a header that says too much": frame(DISCOVER, (68, 67))[:14] + b"\x4f" + bytes(20),
    "half a frame": frame(DISCOVER, (68, 67))[:30],
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_of_the_conversation_is_left_out(name: str) -> None:
    assert heard(STRANGE[name]).packets == []


def test_a_machine_that_asks_for_ever_does_not_fill_the_memory() -> None:
    transcript = heard(*[frame(DISCOVER, (68, 67))] * 2100)

    assert transcript.full
    assert len(transcript.packets) == 2000
