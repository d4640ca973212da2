"""Kernel arguments as each loader takes them, so that the kernel reads what was asked for."""

import pytest

from provisioner.boot.arguments import LONGEST_APPEND, SERIAL, for_grub, for_ipxe, for_pxelinux
from provisioner.core.errors import Invalid

GRUB = {
    "plain": ("quiet console=ttyS0,115200", "'quiet' 'console=ttyS0,115200'"),
    "nothing": ("", ""),
    "more blanks": ("a   b ", "'a' 'b'"),
    "GRUB's own signs": ("url=http://x/?a=1;b=$c {d} #e", "'url=http://x/?a=1;b=$c' '{d}' '#e'"),
    "a value with a blank": ('foo="a b" c', "'foo=a b' 'c'"),
    "a quoted word": ('"foo=a b"', "'foo=a b'"),
    "the serial": (f"ks=http://h/{SERIAL}/ks.cfg q", "'ks=http://h/'\"$serial\"'/ks.cfg' 'q'"),
    "the serial alone": (SERIAL, '"$serial"'),
    "a separator": ("auto=true --- console=tty0", "'auto=true' '---' 'console=tty0'"),
}


@pytest.mark.parametrize(("line", "written"), GRUB.values(), ids=GRUB)
def test_grub(line: str, written: str) -> None:
    assert for_grub(line) == written


REFUSED = {
    "a single quote": ("a='b'", "holds ', which GRUB hands over as"),
    "a backslash": (r"a=\n", "holds \\\\, which GRUB hands over as"),
    "an open quote": ('a="b c', "holds a double quote that is not closed"),
    "a line break": ("a\nb", "line break or control character"),
}


@pytest.mark.parametrize(("line", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_grub_would_change_is_refused(line: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        for_grub(line)


def test_pxelinux_takes_the_line_as_it_is() -> None:
    line = "a='b' c=\"d e\" $f; url=http://x/"

    assert for_pxelinux(line) == line


def test_pxelinux_cuts_a_long_line_so_it_is_refused() -> None:
    assert for_pxelinux("x" * LONGEST_APPEND)
    with pytest.raises(Invalid, match="have 2048 bytes, and PXELINUX hands over 2047") as caught:
        for_pxelinux("x" * (LONGEST_APPEND + 1))
    assert "--loader ipxe" in caught.value.remedy


@pytest.mark.parametrize("take", [for_ipxe, for_grub, for_pxelinux])
def test_every_loader_refuses_a_second_line(take: object) -> None:
    assert callable(take)
    with pytest.raises(Invalid, match="arguments are one line"):
        take("quiet\nboot")
