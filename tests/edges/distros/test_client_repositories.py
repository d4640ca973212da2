"""apt and dnf themselves read what an installed system is told of a tree's repositories."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.distros.test_repositories import APT, DNF, URL

_ENVIRONMENT = {**os.environ, "LC_ALL": "C"}


def said(*words: str | Path) -> str:
    done = subprocess.run(words, env=_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")
def test_apt_asks_for_each_suite(tmp_path: Path) -> None:
    sources = tmp_path / "t.sources"
    sources.write_text(APT)
    asked = said(
        *("apt-get", "update", "--print-uris", "-o", f"Dir::Etc::sourcelist={sources}"),
        *("-o", "Dir::Etc::sourceparts=/dev/null"),
    )

    for suite in ("trixie", "trixie-updates", "own"):
        assert f"'{URL}/dists/{suite}/InRelease'" in asked


@pytest.mark.skipif(not shutil.which("dnf"), reason="needs dnf")
def test_dnf_knows_each_section(tmp_path: Path) -> None:
    folder = tmp_path / "repos"
    folder.mkdir()
    (folder / "t.repo").write_text(DNF)
    listed = said(
        *("dnf", f"--setopt=reposdir={folder}", f"--installroot={tmp_path / 'root'}", "--releasever=9"),
        "repolist",
    )

    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["t-appstream", "t-baseos"]
