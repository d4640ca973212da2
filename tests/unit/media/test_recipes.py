"""How images are made: whose packages, with which options, and what is said where that cannot be."""

import subprocess
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid, NotFound, Unavailable
from provisioner.core.profile import Image
from provisioner.media import debian
from provisioner.media.hosttools import PACKAGES, find, missing, run
from provisioner.media.images import Builder
from tests.unit.media.shell import SCRIPTS

BOOKWORM = """\
http://deb.test/debian/ bookworm main
http://deb.test/debian/ bookworm contrib
http://deb.test/debian/ bookworm-updates main
http://security.test/debian-security/ bookworm-security main
http://other.test/apt/ stable main
"""
TRIXIE = "http://deb.test/debian/ trixie main\nhttp://security.test/debian-security/ trixie-security main\n"


@pytest.mark.parametrize(
    ("targets", "lines"),
    [
        (
            BOOKWORM,
            [
                "deb http://deb.test/debian bookworm main",
                "deb http://deb.test/debian bookworm-updates main",
                "deb http://security.test/debian-security bookworm-security main",
            ],
        ),
        (TRIXIE, ["deb http://deb.test/debian bookworm main"]),
    ],
)
def test_packages_come_from_where_the_host_has_them(targets: str, lines: list[str]) -> None:
    assert debian.source_lines(targets) == lines


def test_a_host_without_a_debian_source_is_told_what_to_do() -> None:
    with pytest.raises(Unavailable) as refused:
        debian.source_lines("http://other.test/apt/ stable main\n")

    assert str(refused.value) == "the host's apt has no source for Debian bookworm"
    assert refused.value.remedy == "provisioner image build debian12 --mirror http://HOST/debian"


def test_a_mirror_that_is_given_is_the_one_that_is_taken() -> None:
    assert debian.sources("http://mirror.test/debian/") == ["deb http://mirror.test/debian bookworm main"]


@pytest.mark.parametrize("mirror", ["mirror.test/debian", "http://a b", "ftp://mirror.test/debian"])
def test_a_mirror_that_is_no_url_is_refused(mirror: str) -> None:
    with pytest.raises(Invalid, match="--mirror"):
        debian.sources(mirror)


def test_only_an_image_for_emulation_is_tuned() -> None:
    ordinary = debian.command(Path("/r"), ["deb http://deb.test/debian bookworm main"], tune=False)
    tuned = debian.command(Path("/r"), ["deb http://deb.test/debian bookworm main"], tune=True)

    assert ordinary[-3:-1] == tuned[-3:-1] == ["bookworm", "/r"]
    assert not any("tune.sh" in word or "path-exclude" in word or "emulation" in word for word in ordinary)
    assert any(word.startswith("--customize-hook=") and "tune.sh" in word for word in tuned)
    assert "--dpkgopt=path-exclude=/usr/share/man/*" in tuned
    include = next(word for word in ordinary if word.startswith("--include="))
    assert {"grub-pc-bin", "grub-efi-amd64-bin", "systemd-resolved", "openssh-server"} <= set(
        include.removeprefix("--include=").split(",")
    )


async def lines(builder: Builder, name: str, mirror: str = "") -> list[str | Image]:
    return [line async for line in builder.build(name, tune=False, mirror=mirror)]


async def test_an_unknown_recipe_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="known are debian12, tiny"):
        await lines(Builder(tmp_path / "images", tmp_path), "fedora")


async def test_tiny_takes_no_mirror(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="takes no --mirror"):
        await lines(Builder(tmp_path / "images", tmp_path), "tiny", "http://mirror.test/debian")


async def test_removing_an_image_stays_in_the_folder(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "images", tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.img").touch()
    (tmp_path / "other").touch()
    await builder.remove(Image("a", "a.img", "", 0, 0))
    await builder.remove(Image("a", "a.img", "", 0, 0))
    with pytest.raises(Invalid):
        await builder.remove(Image("a", "../other", "", 0, 0))

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["images", "other"]


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("provisioner.media.hosttools._SBIN", ())
    with pytest.raises(Unavailable) as refused:
        find("mmdebstrap", "building")

    assert str(refused.value) == "the program mmdebstrap is not installed; building needs it"
    assert refused.value.remedy == "apt-get install mmdebstrap   (Fedora: dnf install mmdebstrap)"


@pytest.mark.parametrize("program", PACKAGES)
def test_every_program_has_its_package(program: str) -> None:
    assert missing(program, "x").remedy.startswith("apt-get install ")


def test_a_child_that_fails_is_quoted() -> None:
    with pytest.raises(Unavailable, match=r"packing: mke2fs ended with 1: .*No such file"):
        run(["mke2fs", "-q", "/nowhere/x", "1024"], "packing")


def shell_files() -> list[Path]:
    found = [path for path in SCRIPTS.rglob("*") if path.is_file() and path.suffix in ("", ".sh")]
    return [path for path in found if path.name != "inittab"]


@pytest.mark.parametrize("path", shell_files(), ids=lambda path: path.name)
def test_the_scripts_are_clean(path: Path) -> None:
    try:
        done = subprocess.run(
            ["shellcheck", path], capture_output=True, text=True, check=False, cwd=path.parent
        )
    except FileNotFoundError:
        pytest.skip("shellcheck is not installed")

    assert done.stdout == ""
