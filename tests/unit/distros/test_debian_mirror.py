"""The parts of the small Debian mirror that need no network: what an installer pulls in, how it is listed."""

import pytest

from tests.lab import debian_apt
from tests.lab.debian_apt import stanzas
from tests.lab.debian_mirror import plain, priced
from tests.lab.debian_udebs import closure, of_kernel

INDEX = """\
Package: base-installer
Version: 1
Depends: libc6-udeb (>= 2.41), bootable-system, mounted
Description: one
 more

Package: chromebook
Version: 1
Provides: bootable-system

Package: grub-installer
Version: 1
Provides: bootable-system
Depends: helper | other

Package: helper
Version: 1

Package: partman
Version: 1
Provides: mounted

Package: ext4-6.12-di
Version: 1
Kernel-Version: 6.12

Package: ext4-6.11-di
Version: 1
Kernel-Version: 6.11
"""


def names(wanted: list[str], held: set[str] | None = None) -> list[str]:
    return [row["Package"] for row in closure(stanzas(INDEX), held or {"libc6-udeb"}, "6.12", wanted)]


def test_what_is_wanted_comes_with_what_it_needs() -> None:
    assert names(["base-installer", "ext4-6.12-di"]) == [
        "base-installer",
        "chromebook",
        "ext4-6.12-di",
        "partman",
    ]


def test_a_wanted_provider_is_taken_for_a_virtual_name() -> None:
    assert names(["grub-installer", "base-installer"]) == [
        "base-installer",
        "grub-installer",
        "helper",
        "partman",
    ]


def test_what_the_initrd_holds_is_not_fetched() -> None:
    assert names(["base-installer"], {"libc6-udeb", "partman", "grub-installer"}) == ["base-installer"]


def test_another_kernels_pieces_are_left() -> None:
    assert names(["ext4-6.11-di"]) == []


def test_an_older_index_is_read_as_one_of_the_kernel_at_hand() -> None:
    rows = of_kernel(stanzas(INDEX), "6.13")

    assert [row["Package"] for row in closure(rows, {"libc6-udeb"}, "6.13", ["ext4-6.13-di"])] == [
        "ext4-6.13-di"
    ]
    assert "ext4-6.11-di" in {row["Package"] for row in rows}


def test_an_index_that_knows_the_kernel_is_left_as_it_is() -> None:
    assert of_kernel(stanzas(INDEX), "6.11") == stanzas(INDEX)


def test_a_continued_field_keeps_its_lines() -> None:
    assert stanzas(INDEX)[0]["Description"] == "one\n more"


NAMES = {
    "tzdata_2026c-0_all.deb": "tzdata_2026c-0_all.deb",
    "login.defs_1%3a4.17.4-2_all.deb": "login.defs_4.17.4-2_all.deb",
    "tzsetup-udeb_1:0.132_all.udeb": "tzsetup-udeb_0.132_all.udeb",
}


def test_a_file_name_loses_its_epoch() -> None:
    assert {name: plain(name) for name in NAMES} == NAMES


def test_only_what_is_held_is_important() -> None:
    rows = [("apt", "required"), ("udev", "important"), ("ifupdown", "optional"), ("nano", "important")]

    assert [priced({"Package": name, "Priority": was})["Priority"] for name, was in rows] == [
        "required",
        "important",
        "important",
        "optional",
    ]


def test_a_host_without_a_debian_archive_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian_apt, "_configured", lambda: iter(()))
    with pytest.raises(SystemExit, match="no Debian archive"):
        debian_apt.archive()


ARCHIVES = {
    "http://mirror.example/debian": True,
    "https://mirror.example/pub/debian/": True,
    "http://mirror.example/debian-security": False,
    "file:/srv/debian": False,
}


def test_an_archive_is_told_from_its_neighbours() -> None:
    assert {uri: debian_apt._is_archive(uri) for uri in ARCHIVES} == ARCHIVES
