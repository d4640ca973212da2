"""Where the trees of systems lie: our own list, osinfo-db's where ours has none, a region in their place."""

import os
from datetime import date
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.source import normalise
from provisioner.distros.osinfo import system
from provisioner.mirror.osinfodb import FOLDERS, Osinfo
from provisioner.mirror.systems import Systems
from provisioner.service.shipped import shipped

VAULT = "https://vault.centos.org"
FEDORA = "https://dl.fedoraproject.org/pub/fedora/linux"
ARCHIVE = "https://archives.fedoraproject.org/pub/archive/fedora/linux"
PLACES: dict[tuple[str, str], list[str]] = {
    ("debian13", "x86_64"): ["http://ftp.debian.org/debian"],
    ("debian12", "aarch64"): ["http://ftp.debian.org/debian"],
    ("debian10", "x86_64"): ["http://archive.debian.org/debian"],
    ("debian9", "x86_64"): [],
    ("centos7.6", "x86_64"): [f"{VAULT}/7.6.1810/os/x86_64"],
    ("centos7", "x86_64"): [f"{VAULT}/7.9.2009/os/x86_64"],
    ("centos7.6", "aarch64"): [f"{VAULT}/altarch/7.6.1810/os/aarch64"],
    ("centos7.1", "aarch64"): [],
    ("centos6.10", "x86_64"): [f"{VAULT}/6.10/os/x86_64"],
    ("centos8", "aarch64"): [f"{VAULT}/8.5.2111/BaseOS/aarch64/os"],
    ("centos-stream10", "x86_64"): ["https://mirror.stream.centos.org/10-stream/BaseOS/x86_64/os"],
    ("rocky9.4", "x86_64"): [
        "https://dl.rockylinux.org/pub/rocky/9.4/BaseOS/x86_64/os",
        "https://dl.rockylinux.org/vault/rocky/9.4/BaseOS/x86_64/os",
    ],
    ("almalinux10", "aarch64"): ["https://repo.almalinux.org/almalinux/10/BaseOS/aarch64/os"],
    ("fedora42", "x86_64"): [
        f"{FEDORA}/releases/42/Everything/x86_64/os",
        f"{ARCHIVE}/releases/42/Everything/x86_64/os",
    ],
    ("fedora33", "x86_64"): [],
    ("ubuntu18.04", "x86_64"): ["http://archive.ubuntu.com/ubuntu"],
    ("ubuntu18.04", "aarch64"): ["http://ports.ubuntu.com/ubuntu-ports"],
    ("ubuntu24.04", "x86_64"): [
        "https://releases.ubuntu.com/24.04",
        "https://old-releases.ubuntu.com/releases/24.04",
    ],
    ("opensuse15.6", "x86_64"): ["https://download.opensuse.org/distribution/leap/15.6/repo/oss"],
    ("win11", "x86_64"): [],
    ("", "x86_64"): [],
}


@pytest.fixture
def systems() -> Systems:
    return Systems(osinfo=())


async def test_where_the_tree_of_a_system_lies(systems: Systems) -> None:
    assert {key: await systems.places(*key) for key in PLACES} == PLACES


async def test_every_place_is_a_source_of_a_system_that_a_family_installs(systems: Systems) -> None:
    for (name, arch), urls in PLACES.items():
        assert [normalise(url) for url in await systems.places(name, arch)] == urls
        assert all(urls) and (not urls or system(name)[0]), name


async def test_the_trees_of_shipped_profiles_are_had_by_name(systems: Systems) -> None:
    wanted = {profile.tree for profile in shipped().values() if profile.family not in ("image", "agama")}

    assert [name for name in wanted if not await systems.places(name, "x86_64")] == []


async def test_a_region_stands_for_the_makers_and_a_mirror_for_an_archive() -> None:
    near = Systems("https://mirrors.aliyun.com/", {"debian": "http://deb.example/debian/"}, ())

    assert await near.places("centos7.6", "x86_64") == [
        "https://mirrors.aliyun.com/centos-vault/7.6.1810/os/x86_64"
    ]
    assert await near.places("debian13", "x86_64") == ["http://deb.example/debian"]


def test_a_mirror_of_an_unknown_archive_is_refused() -> None:
    with pytest.raises(Invalid, match="setting mirrors: no archive is called 'debain'") as refusal:
        Systems("", {"debain": "http://deb.example"}, ())

    assert "debian," in refusal.value.remedy


XML = """<libosinfo version="0.0.1">{doctype}
  <os id="http://example.org/ours/1">
    <short-id>ours1</short-id><short-id>ours</short-id><eol-date>2024-02-29</eol-date>
    <tree arch="x86_64"><url>{url}</url></tree>
    <tree arch="aarch64"><url>file:///etc</url></tree>
    <tree arch="all"><treeinfo><family>Ours</family></treeinfo></tree>
    <derives-from id="http://example.org/ours/0"/>
    <resources arch="x86_64"><minimum><ram>1073741824</ram></minimum></resources>
    <resources arch="aarch64"><minimum><ram>2147483648</ram></minimum></resources>
  </os>
  <os id="http://example.org/ours/0">
    <short-id>ours0</short-id><eol-date>some day</eol-date>
    <derives-from id="http://example.org/ours/1"/>
    <resources arch="all"><minimum><ram>1</ram><storage>5368709120</storage></minimum></resources>
  </os>
</libosinfo>
"""
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


def database(folder: Path, url: str, doctype: str = "") -> Path:
    place = folder / "os/example.org"
    place.mkdir(parents=True, exist_ok=True)
    (place / "ours-1.xml").write_text(XML.replace("{url}", url).replace("{doctype}", ""))
    (place / "bomb.xml").write_text(BOMB + XML.replace("ours", "bomb").replace("{doctype}", ""))
    (place / "broken.xml").write_text("<libosinfo><os>")
    return folder


async def test_what_our_list_lacks_is_looked_up_in_osinfo_db(tmp_path: Path) -> None:
    folder = database(tmp_path, "https://download.opensuse.org/ours/1/os/")
    known = Systems(osinfo=(folder, tmp_path / "nothing"))

    assert await known.places("ours1", "x86_64") == ["https://download.opensuse.org/ours/1/os"]
    assert await known.places("ours", "aarch64") == []
    assert await known.places("bomb1", "x86_64") == []
    assert await Systems("http://near", {}, (folder,)).places("ours", "x86_64") == [
        "http://near/opensuse/ours/1/os"
    ]
    assert sorted(await known.like("ours2")) == ["ours", "ours0", "ours1"]


async def test_what_a_system_does_not_say_it_has_from_what_it_is_like(tmp_path: Path) -> None:
    known = Systems(osinfo=(database(tmp_path, "http://m/os"),))

    assert await known.least("ours1") == (2048, 5.0)
    assert await known.least("nothing") == (0, 0)


async def test_when_a_system_ended_is_ours_to_say_or_osinfo_dbs(tmp_path: Path) -> None:
    known = Systems(osinfo=(database(tmp_path, "http://m/os"),))

    assert [await known.ended(name) for name in ("ours1", "ours0", "centos7", "nothing")] == [
        date(2024, 2, 29),
        None,
        date(2024, 6, 30),
        None,
    ]


async def test_a_folder_of_installer_images_stands_for_its_mirror(tmp_path: Path) -> None:
    folder = database(tmp_path, "http://m.example/debian/dists/sid/main/installer-amd64")

    assert await Systems(osinfo=(folder,)).places("ours1", "x86_64") == ["http://m.example/debian"]


def test_the_database_is_read_again_when_it_changes_and_later_folders_win(tmp_path: Path) -> None:
    first, second = database(tmp_path / "a", "http://a/os"), tmp_path / "b"
    known = Osinfo((first, second))

    assert known.tree("ours1", "x86_64") == "http://a/os"
    database(second, "http://b/os")
    os.utime(second / "os", ns=(1, 1))
    assert known.tree("ours1", "x86_64") == "http://b/os"


@pytest.mark.skipif(not (FOLDERS[0] / "os").is_dir(), reason="osinfo-db is not installed")
def test_the_distributions_database_is_read() -> None:
    known = Osinfo()

    assert {"debian11", "centos7.0", "win10"} <= set(known.names())
    assert known.tree("opensuse15.3", "x86_64").startswith("http")
    assert known.least("win11") == (4096, 64.0)
