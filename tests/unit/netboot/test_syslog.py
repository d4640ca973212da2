"""Log messages cut out of datagrams and streams."""

import pytest

from provisioner.netboot.syslog import frames, plain

LINES = {
    "priority": (b"<13>main-menu[231]: INFO: hello", "main-menu[231]: INFO: hello"),
    "RFC 5424": (
        b"<34>1 2026-03-01T12:00:00Z host app - - - text",
        "2026-03-01T12:00:00Z host app - - - text",
    ),
    "none": (b"plain text\n", "plain text"),
    "control characters": (b"<6>a\x1b[2Jb\x00c\rd\x07", "a [2Jb c d"),
    "not UTF-8": (b"<6>caf\xe9", "caf\ufffd"),
    "C1 controls": ("x\x9b31my".encode(), "x 31my"),
    "empty": (b"<6>\n", ""),
}


@pytest.mark.parametrize(("raw", "text"), LINES.values(), ids=LINES)
def test_plain(raw: bytes, text: str) -> None:
    assert plain(raw) == text


def test_a_long_line_is_cut() -> None:
    assert len(plain(b"x" * 100_000)) == 1024


STREAMS = {
    "newlines": (b"a\nb\nrest", [b"a", b"b"], b"rest"),
    "counted": (b"5 hello3 abc", [b"hello", b"abc"], b""),
    "counted with newline inside": (b"7 one\ntwo3 abc", [b"one\ntwo", b"abc"], b""),
    "counted, not whole": (b"5 hel", [], b"5 hel"),
    "both": (b"<6>a\n5 hello<6>b\n", [b"<6>a", b"hello", b"<6>b"], b""),
    "a line that begins with a digit": (b"0 is no count\n", [b"0 is no count"], b""),
    "nothing": (b"", [], b""),
}


@pytest.mark.parametrize(("stream", "messages", "rest"), STREAMS.values(), ids=STREAMS)
def test_frames(stream: bytes, messages: list[bytes], rest: bytes) -> None:
    assert frames(stream) == (messages, rest)


def test_a_stream_cut_anywhere_gives_the_same_messages() -> None:
    stream = b"<6>first\n13 <6>second one<6>third\n"
    for cut in range(len(stream)):
        head, rest = frames(stream[:cut])
        tail, left = frames(rest + stream[cut:])
        if cut and not stream[:cut].endswith(b"1"):  # a count cut in two is read when it is whole
            assert (head + tail, left) == ([b"<6>first", b"<6>second one", b"<6>third"], b"")
