"""Which CPU a guest gets: by KVM, else by the family and release of its tree."""

from dataclasses import replace

import pytest

from provisioner.core.profile import Tree
from provisioner.plan.cpu import Cpu, cpu
from tests.unit.plan.samples import HOST, KVM

FIRST = Cpu("custom", "qemu64", without=("cx16",))
SECOND = Cpu("custom", "Nehalem")


@pytest.mark.parametrize(
    ("family", "release", "expected"),
    [
        ("debian", "13", FIRST),
        ("image", "", FIRST),
        ("rhel", "7.6.1810", FIRST),
        ("rhel", "8.10", FIRST),
        ("rhel", "9", SECOND),
        ("rhel", "9.4", SECOND),
        ("rhel", "10.0", Cpu("maximum")),
        ("rhel", "", FIRST),
        ("debian", "", FIRST),
        ("rhel", "stream", FIRST),
    ],
)
def test_emulation_takes_the_oldest_cpu_that_the_release_runs_on(
    family: str, release: str, expected: Cpu
) -> None:
    assert cpu(HOST, Tree("t", "/t", family=family, release=release)) == expected


def test_without_a_tree_a_guest_is_what_it_is_said_to_be() -> None:
    nothing = Tree("", "")

    assert cpu(HOST, nothing, osinfo="centos-stream9") == SECOND
    assert cpu(HOST, nothing, osinfo="win11") == cpu(HOST, nothing) == FIRST
    assert cpu(HOST, Tree("t", "/t", family="rhel", release="7"), osinfo="rhel9") == FIRST
    assert cpu(HOST, nothing, "maximum", "debian12") == Cpu("maximum")


def test_another_processor_has_no_levels() -> None:
    arm, debian = replace(HOST, arch="aarch64"), Tree("t", "/t", family="debian", release="13")

    assert cpu(arm, Tree("t", "/t", family="rhel", release="9", arch="aarch64")) == Cpu("maximum")
    assert cpu(arm, debian, "cortex-a72") == Cpu("custom", "cortex-a72")


def test_kvm_takes_the_hosts_own() -> None:
    assert cpu(KVM, Tree("t", "/t", family="rhel", release="9")) == Cpu("host-passthrough")
