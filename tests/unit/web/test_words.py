"""Small pure parts of the web: what is said, how sizes read, how paths and reports are cleaned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core import errors
from provisioner.core.errors import Conflict, Denied, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.service.reports import headline
from provisioner.web.counts import IMAGE, INITRD, KERNEL, size
from provisioner.web.errors import STATUS, problem
from provisioner.web.listener import collapse
from provisioner.web.report import plain


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (97_100_000, "97.1 MB"),
        (235_000_000, "235 MB"),
        (999_900_000, "1.0 GB"),
        (4_700_000_000, "4.7 GB"),
        (5_000_000_000_000, "5.0 TB"),
    ],
)
def test_sizes_read_well(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("////grubx64.efi", "/grubx64.efi"),
        ("//boot///x//", "/boot/x/"),
        ("/x?next=//other", "/x?next=//other"),
        ("//a?b=//c?d=//e", "/a?b=//c?d=//e"),
        ("/", "/"),
    ],
)
def test_slashes_are_one_in_a_path_and_stay_in_a_query(path: str, expected: str) -> None:
    assert collapse(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  a line \n", "a line"),
        ("first\nlast\n\n", "last"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_a_report_is_told_by_its_last_line(text: str, expected: str) -> None:
    assert headline(plain(text)) == expected


@given(st.text())
def test_a_report_keeps_no_control_character(text: str) -> None:
    kept = plain(text)

    assert all(character.isprintable() or character in "\n\t" for character in kept)
    assert "\n" not in headline(kept)
    assert len(headline(kept)) <= 300


def test_shares_of_the_install_follow_one_another() -> None:
    assert KERNEL.start < KERNEL.end <= INITRD.start < INITRD.end < IMAGE.start < IMAGE.end
    assert [IMAGE.percent(0, 100), IMAGE.percent(50, 100), IMAGE.percent(100, 100)] == [20, 55, 90]
    assert IMAGE.percent(0, 0) == 20


def test_every_error_of_the_core_has_a_status() -> None:
    own = {kind for kind in vars(errors).values() if isinstance(kind, type)} - {ProvisionerError}
    assert own == set(STATUS)
    assert {kind: problem(kind("words")).status for kind in STATUS} == {
        Invalid: 422,
        NotFound: 404,
        Conflict: 409,
        Denied: 401,
        Unavailable: 503,
    }


def test_an_unexpected_error_keeps_its_words_to_itself() -> None:
    found = problem(KeyError("hunter2"))

    assert found.status == 500
    assert "hunter2" not in found.detail + found.remedy
