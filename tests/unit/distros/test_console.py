"""Serial lines as people read them, and the steps that real consoles show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.distros.console import Lines, milestone, plain, text


def fed(*pieces: bytes) -> list[str]:
    lines = Lines()
    return [line for piece in pieces for line in lines.feed(piece)]


def test_pieces_become_lines_without_colours() -> None:
    assert fed(b"\x1b[32mone\x1b[0m\r", b"\ntw", b"o\n\x1b[2J\x1b[1;1Hthree\n") == ["one", "two", "three"]


def test_a_prompt_needs_no_end() -> None:
    assert fed(b"Debian GNU/Linux 12 web1 ttyS0\r\n\r\nweb1 login: ") == [
        "Debian GNU/Linux 12 web1 ttyS0",
        "web1 login:",
    ]


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_any_bytes_are_short_lines_that_can_be_seen(pieces: list[bytes]) -> None:
    for line in fed(*pieces):
        assert line.isprintable()
        assert 0 < len(line) <= 1024


def test_a_line_that_never_ends_is_bounded() -> None:
    lines = Lines()
    for _ in range(1000):
        assert list(lines.feed(b"x" * 1000)) == []
    assert len(next(lines.feed(b"\n"))) == 1024


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("SeaBIOS (version 1.16.2-debian-1.16.2-1)", "firmware"),
        ('BdsDxe: loading Boot0001 "UEFI PXEv4 (MAC:525400123456)"', "firmware"),
        ("iPXE 1.20.1+ (4bd0) -- Open Source Network Boot Firmware -- http://ipxe.org", "ipxe"),
        ("iPXE initialising devices...ok", "ipxe"),
        ("Welcome to GRUB!", "grub"),
        ("[    0.000000] Linux version 3.10.0-957.el7.x86_64 (mockbuild@kbuilder)", "kernel"),
        ("[    2.014552] Kernel panic - not syncing: VFS: Unable to mount root fs", "panic"),
        ("provisioner: [   1.33] mini installer on 6.1.0-41-cloud-amd64", "mini"),
        ("Starting installer, one moment...", "anaconda"),
        ("anaconda 34.25.5.17-1.el9 for Rocky Linux 9.6 started.", "anaconda"),
        ("You are in emergency mode. After logging in, type journalctl -xb", "emergency"),
        ("[   30.1] reboot: Restarting system", "reboot"),
        ("web1 login:", "login"),
        ("Last login: Mon Jan  1", ""),
        ("a line of no interest", ""),
    ],
)
def test_milestones(line: str, name: str) -> None:
    found = milestone(line)
    assert (found.name if found else "") == name


def test_a_whole_console_is_text() -> None:
    assert text(b"a\x1b[1mb\r\n\r\n\x07c") == "ab\nc\n"
    assert plain("a\x1b]0;title\x07b") == "ab"
