"""Faults of repositories and clocks, as the programs tell them that installers call: this host's own."""

import os
import subprocess
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import broken
from tests.edges.web.repositories import LIBRARY, PROGRAM, AptRepository, apt_repository, missing
from tests.proofs import ANSWERED, explained, proves, spoken

NEEDED = ("apt-get", "apt-ftparchive", "dpkg-deb", "gpg", "gpgv")
pytestmark = pytest.mark.skipif(bool(missing(*NEEDED)), reason=f"missing: {missing(*NEEDED)} (make setup)")

DATES = ("-o", "Acquire::Check-Date=true", "-o", "Acquire::Check-Valid-Until=true")
"""As they are where nobody changed them."""


def diagnosis(said: str) -> str:
    return explained(ANSWERED, spoken(said)).diagnosis


def date(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%a, %d %b %Y %H:%M:%S UTC")


def apt(repository: AbstractContextManager[AptRepository], place: Path, *words: str, key: bool = True) -> str:
    """What apt says as it updates from a repository and does the words; it must fail."""
    with repository as packages:
        if not key:
            packages.key.write_text(KEY)
        system = packages.root(place / "system", f"file://{packages.folder}")
        with pytest.raises(AssertionError) as failed:
            system.apt(*DATES, "update")
            system.apt(*words)
    return str(failed.value).replace("\\n", "\n")


@proves("clock-far-off")
def test_a_clock_that_is_days_behind_its_repository(tmp_path: Path) -> None:
    """A guest that believes it is last week finds its repository signed in the future."""
    said = apt(apt_repository(tmp_path / "debian", Date=date(7)), tmp_path, "install", PROGRAM)

    assert diagnosis(said) == "clock-far-off"


@proves("release-expired")
def test_a_clock_that_is_ahead_or_a_mirror_that_nobody_keeps(tmp_path: Path) -> None:
    expired = {"Date": date(-9), "Valid-Until": date(-2)}
    said = apt(apt_repository(tmp_path / "debian", **expired), tmp_path, "install", PROGRAM)

    assert diagnosis(said) == "release-expired"


@proves("signature-unknown")
def test_a_repository_of_another_key(tmp_path: Path) -> None:
    said = apt(apt_repository(tmp_path / "debian"), tmp_path, "install", PROGRAM, key=False)

    assert diagnosis(said) == "signature-unknown"


@proves("bad-checksum")
def test_a_package_that_is_not_what_its_list_says(tmp_path: Path) -> None:
    with apt_repository(tmp_path / "debian") as packages:
        place = packages.folder / f"pool/main/{LIBRARY}_1_all.deb"
        system = packages.root(tmp_path / "system", f"copy:{packages.folder}")
        system.apt("update")
        place.write_bytes(place.read_bytes()[:-1000] + bytes(1000))
        with pytest.raises(AssertionError) as failed:
            system.apt("install", PROGRAM)

    assert diagnosis(str(failed.value).replace("\\n", "\n")) == "bad-checksum"


FETCHES = {
    # the words of a program that fetches, {web} an address that answers: the diagnosis
    "curl, no such name": ("curl -sSf http://mirror.invalid/x", "name-unresolved"),
    "wget, no such name": ("busybox wget -q -O /dev/null http://mirror.invalid/x", "name-unresolved"),
    "curl, nobody there": ("curl -sSf --noproxy * http://127.0.0.1:1/x", "server-unreachable"),
    "wget, nobody there": ("busybox wget -q -O /dev/null http://127.0.0.1:1/x", "server-unreachable"),
    "curl, not there": ("curl -sSf --noproxy * {web}/nothing", "file-missing"),
    "wget, not there": ("busybox wget -q -O /dev/null {web}/nothing", "file-missing"),
    "a full disk": ("dd if=/dev/zero of=/dev/full count=1", "space-short"),
}


@proves("name-unresolved", "server-unreachable", "file-missing", "space-short")
@pytest.mark.parametrize(("words", "name"), FETCHES.values(), ids=FETCHES)
def test_what_cannot_be_fetched_or_kept(words: str, name: str) -> None:
    with broken.offering(lambda web: {}) as web:
        here = web.replace(broken.HOST, "127.0.0.1")
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(words.format(web=here).split(), capture_output=True, text=True, env=environment)

    assert done.returncode != 0
    assert diagnosis(done.stderr) == name


KEY = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----
"""
