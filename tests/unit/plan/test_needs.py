"""Memory and disk are checked against what the release needs."""

from dataclasses import replace
from datetime import date

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, GuestSpec, Method, Nic
from provisioner.core.profile import Tree
from provisioner.distros.detect import FAMILIES, family
from provisioner.plan.needs import advise, check_needs, foreign, outlived
from provisioner.service.shipped import shipped

SPEC = GuestSpec(
    "web1",
    "p",
    "00000000-0000-4000-8000-000000000001",
    nics=(Nic("network", "default", "52:54:00:00:00:01"),),
)


def told(name: str, release: str, memory: int, disk: float, method: Method = "pxe") -> tuple[str, ...]:
    spec = replace(SPEC, memory=memory, disks=(Disk(size=disk),), method=method)
    return check_needs(spec, Tree("t", "/t", name, release, "vmlinuz", "initrd"))


REFUSED: dict[tuple[str, str, int, float, Method], tuple[str, str]] = {
    ("ubuntu", "24.04", 2048, 10, "pxe"): (
        "guest web1: 2048 MiB of memory are less than the 4096 MiB that ubuntu 24.04 needs "
        "to install over the network",
        "ask for more: --memory 4096",
    ),
    ("ubuntu", "20.04", 2048, 10, "url"): (
        "guest web1: 2048 MiB of memory are less than the 3072 MiB that ubuntu 20.04 needs "
        "to install over the network",
        "ask for more: --memory 3072",
    ),
    ("agama", "16.0", 1024, 40, "iso"): (
        "guest web1: 1024 MiB of memory are less than the 2048 MiB that agama 16.0 needs "
        "to install from a medium",
        "ask for more: --memory 4096",
    ),
    ("rhel", "9.4", 1024, 10, "pxe"): (
        "guest web1: 1024 MiB of memory are less than the 1536 MiB that rhel 9.4 needs "
        "to install over the network",
        "ask for more: --memory 3072",
    ),
    ("rhel", "7", 2048, 2, "pxe"): (
        "guest web1: a disk of 2 GiB is smaller than the 3 GiB that rhel 7 takes",
        "ask for a larger one: --disk size=10",
    ),
    ("debian", "13", 256, 4, "pxe"): (
        "guest web1: 256 MiB of memory are less than the 320 MiB that debian 13 needs "
        "to install over the network",
        "ask for more: --memory 512",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_guest_that_is_too_small_is_refused(case: tuple[str, str, int, float, Method]) -> None:
    with pytest.raises(Invalid) as refusal:
        told(*case)

    assert (str(refusal.value), refusal.value.remedy) == REFUSED[case]


TOLD: dict[tuple[str, str, int, float, Method], tuple[str, ...]] = {
    ("rhel", "9.4", 2048, 8, "pxe"): (
        "rhel 9.4 asks for 3072 MiB of memory to install over the network; web1 has 2048 MiB",
        "rhel 9.4 asks for a disk of 10 GiB; that of web1 has 8 GiB",
    ),
    ("rhel", "9.4", 2048, 20, "iso"): (),
    ("rhel", "", 4096, 20, "pxe"): (),
    ("ubuntu", "24.04", 2048, 10, "iso"): (),
    ("debian", "13", 1024, 4, "pxe"): (),
    ("image", "0.1", 128, 1, "pxe"): (),
    ("", "", 128, 1, "pxe"): (),
    ("rhel", "9.4", 128, 1, "import"): (),
    ("debian", "13", 1024, 0, "pxe"): (),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_the_maker_asks_for_is_said(case: tuple[str, str, int, float, Method]) -> None:
    assert told(*case) == TOLD[case]


def test_a_packed_system_takes_what_it_takes_on_disk() -> None:
    spec = replace(SPEC, memory=3072, disks=(Disk(size=1),))

    assert check_needs(spec, Tree("t", "/t", "rhel", "9.4"), packed=True) == ()


def test_without_a_tree_the_system_is_what_is_said() -> None:
    spec = replace(SPEC, memory=512, method="iso", osinfo="sles16")
    with pytest.raises(Invalid, match="the 2048 MiB that agama 16 needs to install from a medium"):
        check_needs(spec, Tree("", ""))

    assert check_needs(replace(spec, osinfo="win11"), Tree("", "")) == ()


def test_a_system_that_no_family_installs_is_told_by_what_it_asks_for() -> None:
    spec = replace(SPEC, memory=2048, method="iso", osinfo="win11", disks=(Disk(size=20),))

    assert foreign(spec, Tree("", "")) == "win11"
    assert [foreign(replace(spec, osinfo=name), Tree("", "")) for name in ("", "debian12")] == ["", ""]
    assert (
        foreign(spec, Tree("t", "/t", "rhel", "9"))
        == foreign(replace(spec, method="import"), Tree("", ""))
        == ""
    )
    assert advise(spec, 4096, 64) == (
        "win11 asks for 4096 MiB of memory at least; web1 has 2048 MiB",
        "win11 asks for a disk of 64 GiB; that of web1 has 20 GiB",
    )
    assert advise(spec, 0, 0) == ()


def test_every_shipped_profile_has_what_its_release_needs() -> None:
    found = {
        profile.name: told(profile.family, profile.release, profile.memory, profile.disk)
        for profile in shipped().values()
    }

    assert {name: said for name, said in found.items() if said} == {}


def test_what_is_asked_for_is_never_less_than_the_least() -> None:
    for row in FAMILIES:
        for release in ("", "6", "7.6", "8", "10", "12", "13", "15.6", "16", "18.04", "20.04", "24.04", "44"):
            needs = family(row.name).needs(release)

            assert needs.memory in (0, max(needs.memory, needs.least_memory))
            assert needs.disk in (0, max(needs.disk, needs.least_disk))
            assert needs.medium <= needs.least_memory


def test_a_system_is_told_from_the_day_after_its_last() -> None:
    last, after = date(2024, 6, 30), date(2024, 7, 1)

    assert [outlived("centos7", last, day) for day in (last, after)] == [
        (),
        ("centos7 gets no security updates any more: its maker's support ended on 2024-06-30",),
    ]
    assert outlived("centos7", None, after) == ()
