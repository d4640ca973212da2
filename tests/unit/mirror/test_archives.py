"""Where old trees go: the rules as they are shipped, and what is remembered of them."""

import json
import re
import time
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from provisioner.core.source import normalise
from provisioner.mirror import archives
from provisioner.mirror.archives import Archives, Route
from provisioner.mirror.systems import Systems

ALIYUN = "https://mirrors.aliyun.com"
PLACES: dict[tuple[str, str], list[str]] = {
    (f"{ALIYUN}/centos/7.6.1810/os/x86_64", ".treeinfo"): [
        f"{ALIYUN}/centos-vault/7.6.1810/os/x86_64",
        "https://vault.centos.org/7.6.1810/os/x86_64",
    ],
    ("http://ftp.iij.ad.jp/pub/linux/centos/7.6.1810/os/x86_64", "x"): [
        "http://ftp.iij.ad.jp/pub/linux/centos-vault/7.6.1810/os/x86_64",
        "https://vault.centos.org/7.6.1810/os/x86_64",
    ],
    ("http://mirror.centos.org/centos/7/os/x86_64", "x"): [
        "http://mirror.centos.org/centos-vault/7.9.2009/os/x86_64",
        "https://vault.centos.org/7.9.2009/os/x86_64",
    ],
    ("http://m.example/centos/8-stream/BaseOS/x86_64/os", "x"): [
        "http://m.example/centos-vault/8-stream/BaseOS/x86_64/os",
        "https://vault.centos.org/8-stream/BaseOS/x86_64/os",
    ],
    ("http://m.example/altarch/7.6.1810/os/aarch64", "x"): [
        "http://m.example/centos-vault/altarch/7.6.1810/os/aarch64",
        "https://vault.centos.org/altarch/7.6.1810/os/aarch64",
    ],
    ("https://dl.rockylinux.org/pub/rocky/9.0/BaseOS/x86_64/os", "x"): [
        "https://dl.rockylinux.org/pub/rocky-vault/9.0/BaseOS/x86_64/os",
        "https://dl.rockylinux.org/vault/rocky/9.0/BaseOS/x86_64/os",
    ],
    ("https://repo.almalinux.org/almalinux/9.0/BaseOS/x86_64/os", "x"): [
        "https://repo.almalinux.org/vault/9.0/BaseOS/x86_64/os",
        "https://vault.almalinux.org/9.0/BaseOS/x86_64/os",
    ],
    ("https://dl.fedoraproject.org/pub/fedora/linux/releases/34/Everything/x86_64/os", "x"): [
        "https://dl.fedoraproject.org/pub/archive/fedora/linux/releases/34/Everything/x86_64/os",
        "https://dl.fedoraproject.org/pub/fedora-archive/fedora/linux/releases/34/Everything/x86_64/os",
        "https://archives.fedoraproject.org/pub/archive/fedora/linux/releases/34/Everything/x86_64/os",
    ],
    ("https://download.opensuse.org/distribution/leap/42.3/repo/oss", "x"): [
        "https://ftp5.gwdg.de/pub/opensuse/discontinued/distribution/leap/42.3/repo/oss",
        "https://ftp.gwdg.de/pub/opensuse/discontinued/distribution/leap/42.3/repo/oss",
    ],
    ("http://ftp.de.debian.org/debian", "dists/buster/Release"): [
        "http://ftp.de.debian.org/debian-archive/debian",
        "http://archive.debian.org/debian",
    ],
    ("http://security.debian.org/debian-security", "dists/buster/updates/InRelease"): [
        "http://security.debian.org/debian-archive/debian-security",
        "http://archive.debian.org/debian-security",
    ],
    ("http://archive.ubuntu.com/ubuntu", "dists/bionic-updates/main/binary-amd64/Packages.gz"): [
        "http://archive.ubuntu.com/ubuntu-old-releases/ubuntu",
        "https://old-releases.ubuntu.com/ubuntu",
    ],
    ("https://releases.ubuntu.com/22.10", "SHA256SUMS"): ["https://old-releases.ubuntu.com/releases/22.10"],
    (f"{ALIYUN}/ubuntu-releases/22.10", "SHA256SUMS"): [
        f"{ALIYUN}/ubuntu-old-releases/releases/22.10",
        "https://old-releases.ubuntu.com/releases/22.10",
    ],
    # What is no release, is a living one, is an archive, or is not asked by HTTP.
    ("http://ftp.de.debian.org/debian", "dists/trixie/Release"): [],
    ("http://ftp.de.debian.org/debian", "dists/stable/Release"): [],
    ("http://ftp.de.debian.org/debian", "pool/main/a/apt/apt_1.deb"): [],
    ("https://vault.centos.org/7.6.1810/os/x86_64", "x"): [],
    (f"{ALIYUN}/centos-stream/9-stream/BaseOS/x86_64/os", "x"): [],
    ("https://dl.fedoraproject.org/pub/fedora/linux/development/rawhide/Everything/x86_64/os", "x"): [],
    ("ftp://m.example/centos/7.6.1810/os/x86_64", "x"): [],
    ("nfs://m.example/centos/7.6.1810/os/x86_64", "x"): [],
    ("/srv/centos/7.6.1810/os/x86_64", "x"): [],
}


@pytest.fixture
def shipped() -> Archives:
    return Archives(Systems(osinfo=()).bases)


def test_where_old_trees_may_lie(shipped: Archives) -> None:
    assert {key: list(shipped.route(*key).archives) for key in PLACES} == PLACES


def test_every_place_is_a_source(shipped: Archives) -> None:
    for key in PLACES:
        assert [normalise(place) for place in shipped.route(*key).archives] == PLACES[key]


def test_every_rule_is_tried_here_and_cites_somebody() -> None:
    rules = tomllib.loads((files("provisioner.mirror") / "archives.toml").read_text())["archive"]
    found = [rule for rule in rules for source, path in PLACES if _is(rule, source, path)]

    assert [rule["source"] for rule in rules if rule not in found and "/6(" not in rule["source"]] == [
        "(https?://.+)/centos/8(/.+)?"
    ]
    assert all(rule["cited"] for rule in rules)


def _is(rule: dict[str, str], source: str, path: str) -> bool:
    return bool(re.fullmatch(rule["source"], source) and re.match(rule.get("part", ""), path))


def test_a_region_and_a_setting_come_before_the_maker() -> None:
    source = "https://dl.rockylinux.org/pub/rocky/9.0/BaseOS/x86_64/os"
    near = Archives(Systems("http://near.example", {}, ()).bases)
    named = Archives(Systems("", {"rocky-vault": "http://vault.lan/rocky"}, ()).bases)

    assert [made.route(source, "x").archives[1:] for made in (near, named)] == [
        (f"{base}/9.0/BaseOS/x86_64/os", "https://dl.rockylinux.org/vault/rocky/9.0/BaseOS/x86_64/os")
        for base in ("http://near.example/rocky-vault", "http://vault.lan/rocky")
    ]


def test_a_move_is_remembered_on_the_disk_and_believed_for_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, vault = f"{ALIYUN}/centos/7.6.1810/os/x86_64", f"{ALIYUN}/centos-vault/7.6.1810/os/x86_64"
    file = tmp_path / "mirror/archives.json"
    bases = Systems(osinfo=()).bases
    Archives(bases, file).remember(source, "", vault)
    again = Archives(bases, file)

    assert again.route(source, "x") == Route("", (vault,), ("https://vault.centos.org/7.6.1810/os/x86_64",))
    assert [(move.source, move.part, move.to) for move in again.moves()] == [(source, "", vault)]
    assert again.moves("http://elsewhere.example") == []
    assert list(file.parent.iterdir()) == [file]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + archives.BELIEVED_SECONDS + 1)
    assert again.route(source, "x").moved == ()
    assert vault in again.route(source, "x").archives


def test_what_has_moved_of_a_mirror_takes_its_packages_along(shipped: Archives) -> None:
    source, package = "http://ftp.de.debian.org/debian", "pool/main/a/apt/apt_1.8.deb"
    shipped.remember(source, "dists/buster", "http://archive.debian.org/debian")

    assert shipped.route(source, package) == Route(None, (), ("http://archive.debian.org/debian",))
    assert shipped.route(source, "dists/buster/Release").moved == ("http://archive.debian.org/debian",)
    assert shipped.route(source, "dists/stretch/Release").moved == ()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"source": 1}]', json.dumps({"a": 1})])
def test_a_memory_that_is_broken_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "archives.json"
    file.write_text(text)

    assert Archives(lambda _: (), file).moves() == []


def test_a_memory_that_cannot_be_written_lasts_as_long_as_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").touch()
    made = Archives(lambda _: (), tmp_path / "a file/archives.json")
    made.remember("http://m.example/centos/7", "", "http://v.example/7")

    assert [move.to for move in made.moves()] == ["http://v.example/7"]
    assert next(record.getMessage() for record in caplog.records) == (
        "http://m.example/centos/7 is gone from there (404); it is read from its archive http://v.example/7"
    )
