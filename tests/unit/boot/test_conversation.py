"""The text form of a conversation: what is written is read back, what is wrong is told with its line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.boot.conversation import Conversation, Malformed, Packet, Run, parse, text

CLIENT = "52:54:00:7e:57:01"
ASKS, SAYS = "192.0.2.50:2070", "192.0.2.1:69"
WHOLE = Conversation(
    CLIENT,
    (
        Packet(0, "client", "dhcp", "0.0.0.0:68", "255.255.255.255:67", "DISCOVER", bytes(range(70))),
        Packet(1042, "client", "tftp", ASKS, SAYS, "asks for x", b"\0\1x\0octet\0"),
        Packet(1043, "server", "tftp", "192.0.2.1:40000", ASKS, "blocks 1 to 140", Run("DATA", 1, 140, 1468)),
        Packet(1044, "client", "tftp", ASKS, "192.0.2.1:40000", "has block 4", Run("ACK", 4, 4)),
        Packet(61000, "client", "http", ASKS, SAYS, "", ("GET / HTTP/1.1", "Host: x", "  indented")),
    ),
    "a boot",
)
TEXT = """\
conversation 52:54:00:7e:57:01
# a boot

0.000 client dhcp 0.0.0.0:68 255.255.255.255:67
# DISCOVER
  000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
  202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
  404142434445

1.042 client tftp 192.0.2.50:2070 192.0.2.1:69
# asks for x
  000178006f6374657400

1.043 server tftp 192.0.2.1:40000 192.0.2.50:2070
# blocks 1 to 140
  DATA 1-140 1468

1.044 client tftp 192.0.2.50:2070 192.0.2.1:40000
# has block 4
  ACK 4

61.000 client http 192.0.2.50:2070 192.0.2.1:69
  GET / HTTP/1.1
  Host: x
    indented
"""
HEAD = f"conversation {CLIENT}\n"
TFTP = HEAD + "0.000 client tftp 192.0.2.50:2070 192.0.2.1:69\n"
WRONG = {
    "nothing": ("", 1, "empty"),
    "blank": ("\n\n", 3, "empty"),
    "another file": ("#!ipxe\n", 1, "begins with `conversation MAC`"),
    "no MAC": ("conversation web1\n", 1, "MAC"),
    "payload before a packet": (HEAD + "  00\n", 2, "a packet begins with"),
    "a word too few": (HEAD + "0.000 client dhcp 0.0.0.0:68\n", 2, "a packet begins with"),
    "no time": (HEAD + "soon client dhcp 0.0.0.0:68 0.0.0.0:67\n", 2, "no time"),
    "time in other digits": (HEAD + "0.\u0660\u0660\u0660 client dhcp 0.0.0.0:68 0.0.0.0:67\n", 2, "no time"),
    "nobody": (HEAD + "0.000 router dhcp 0.0.0.0:68 0.0.0.0:67\n", 2, "not one of client, server"),
    "no protocol": (HEAD + "0.000 client ftp 0.0.0.0:68 0.0.0.0:67\n", 2, "not one of dhcp, tftp, http"),
    "no address": (HEAD + "0.000 client dhcp 0.0.0.256:68 0.0.0.0:67\n", 2, "no IPv4 address"),
    "no port": (HEAD + "0.000 client dhcp 0.0.0.0:68 0.0.0.0:99999\n", 2, "no IPv4 address and port"),
    "no payload": (TFTP + "# nothing\n\n1.000 client tftp 1.1.1.1:1 1.1.1.1:1\n  00\n", 5, "no payload"),
    "no payload at the end": (TFTP, 3, "no payload"),
    "half a byte": (TFTP + "  000\n", 3, "hexadecimal"),
    "words": (TFTP + "  hello\n", 3, "hexadecimal"),
    "blocks of DHCP": (TFTP.replace("tftp", "dhcp") + "  ACK 1\n", 3, "hexadecimal"),
    "bytes and blocks": (TFTP + "  00\n  ACK 1\n", 4, "hexadecimal"),
    "blocks and bytes": (TFTP + "  ACK 1\n  00\n", 4, "hexadecimal"),
    "DATA without size": (TFTP + "  DATA 1-4\n", 3, "size"),
    "ACK with size": (TFTP + "  ACK 1-4 512\n", 3, "size"),
    "blocks downwards": (TFTP + "  ACK 4-1\n", 3, "go up"),
    "too high a block": (TFTP + "  ACK 1-70000\n", 3, "go up"),
    "too many bytes": (TFTP + f"  {'00' * 512}\n" * 10, 12, "over 4096 bytes"),
    "too long a head": (TFTP.replace("tftp", "http") + "  x\n" * 300, 203, "more than 200 lines"),
}


def test_a_conversation_is_written_as_text() -> None:
    assert text(WHOLE) == TEXT


def test_and_read_back_as_it_was() -> None:
    assert parse(TEXT) == WHOLE


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_line(name: str) -> None:
    written, line, reason = WRONG[name]

    found = parse(written)

    assert isinstance(found, Malformed), found
    assert (found.line, reason in found.reason) == (line, True), str(found)
    assert str(found).startswith(f"line {line}: ")


@given(st.text())
def test_any_text_gives_a_value(anything: str) -> None:
    assert isinstance(parse(anything), Conversation | Malformed)


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_any_slip_in_a_good_text_gives_a_value(at: int, character: str) -> None:
    found = parse(TEXT[:at] + character + TEXT[at + 1 :])

    if isinstance(found, Conversation):
        assert parse(text(found)) == found


places = st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(0, 65535))
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
runs = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).flatmap(
    lambda ends: st.sampled_from(
        [Run("ACK", min(ends), max(ends)), Run("DATA", min(ends), max(ends), ends[0] % 9000)]
    )
)
packets = st.one_of(
    st.tuples(st.just("dhcp"), st.binary(min_size=1, max_size=600)),
    st.tuples(st.just("tftp"), st.one_of(st.binary(min_size=1, max_size=600), runs)),
    st.tuples(st.just("http"), st.lists(words, min_size=1, max_size=9).map(tuple)),
)


@given(st.lists(st.tuples(st.integers(0, 10**8), packets, places, places, words)), words)
def test_whatever_is_written_is_read_back(made: list[Any], about: str) -> None:
    whole = Conversation(
        CLIENT,
        tuple(
            Packet(at, "client", kind, source, target, says, load)
            for at, (kind, load), source, target, says in made
        ),
        about,
    )

    assert parse(text(whole)) == whole
