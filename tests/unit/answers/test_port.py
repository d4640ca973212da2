"""What a kickstart of one release needs before another's installer takes it."""

import re
from pathlib import Path

import pytest

from provisioner.answers.finding import errors
from provisioner.answers.lint import lint
from provisioner.answers.port import port
from provisioner.answers.port_hints import HINTS
from provisioner.core.errors import Invalid

DATA = Path(__file__).parents[2] / "data/answers"
OLD = (DATA / "old-el7.ks").read_text()
MINIMAL = "text\nurl --url=http://mirror.example/x\nrootpw --lock\nreboot\n%packages\n@core\n%end\n"


@pytest.mark.parametrize("release", ["9", "10"])
def test_everything_that_changed_is_told_with_what_stands_in_its_place(release: str) -> None:
    found = port(OLD, ("rhel", "7"), ("rhel", release))
    told = [
        f"{'warning: ' if row.warning else ''}{row}" for row in sorted(found, key=lambda row: row.warning)
    ]

    assert told == (DATA / f"old-el7-to-rhel{release}.txt").read_text().splitlines()


@pytest.mark.parametrize(("old", "new"), [("7", "8"), ("7", "9"), ("7", "10"), ("9", "10")])
def test_what_need_not_change_is_not_told(old: str, new: str) -> None:
    assert port(MINIMAL, ("rhel", old), ("rhel", new)) == []


@pytest.mark.parametrize("release", ["8", "9", "10"])
def test_whatever_the_later_release_refuses_is_told(release: str) -> None:
    refused = {row.line for row in errors(lint(OLD, "rhel", release))}

    assert {row.line for row in errors(port(OLD, ("rhel", "7"), ("rhel", release)))} == refused


def test_to_fedora_and_back() -> None:
    assert [str(row) for row in port("vnc\n", ("rhel", "9"), ("fedora", "44"))] == [
        "line 1: Ignoring deprecated command: The vnc command has been deprecated and no longer has any "
        "effect; write rdp"
    ]
    assert [str(row) for row in port("rdp\n", ("fedora", "44"), ("rhel", "9"))] == [
        "line 1: Unknown command: rdp"
    ]


def test_a_hint_is_of_its_place() -> None:
    text = "text\n%packages\nntp\n%end\n%post\necho ntp\nchkconfig x on\n%end\n"
    found = port(text, ("rhel", "7"), ("rhel", "9"))

    assert [str(row) for row in found] == [
        "line 3: ntp: the package is gone: chrony does it",
        "line 7: chkconfig: write systemctl enable",
    ]


def test_what_has_no_kickstart_is_not_ported() -> None:
    with pytest.raises(Invalid, match=r"debian has no kickstart: its answers are preseed\.cfg"):
        port(MINIMAL, ("rhel", "7"), ("debian", "13"))


def test_every_hint_is_one_that_can_be_told() -> None:
    assert [hint.pattern.pattern for hint in HINTS if not hint.red_hat and not hint.fedora] == []
    assert [hint.text for hint in HINTS if not hint.text or hint.text.endswith(".")] == []
    assert all(isinstance(hint.pattern, re.Pattern) for hint in HINTS)
