"""What a guest said on its serial line since it was switched on."""

import pytest

from provisioner.service.answering import since

BOOT = b"GRUB loading\r\n" * 40 + b"web1 login: "


@pytest.mark.parametrize(
    ("before", "tail", "new"),
    [
        (b"", BOOT, BOOT),
        (BOOT, BOOT, b""),
        (BOOT * 2, BOOT * 2, b""),
        (BOOT * 2, BOOT * 2 + BOOT, BOOT),
        (BOOT[-100:], b"x" * 100, b"x" * 100),
    ],
)
def test_what_a_boot_says_is_not_taken_for_the_one_before(before: bytes, tail: bytes, new: bytes) -> None:
    assert since(before, tail) == new
