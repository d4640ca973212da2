"""What is refused before anything is done, and in which words."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.checks import check, check_tree
from tests.unit.plan.samples import BRIDGE, HOST, MAC, MACVTAP, SPEC, spec

BIOS_ONLY = replace(HOST, firmwares=("bios",))
NO_BRIDGE = replace(HOST, bridges=())

REFUSED: tuple[tuple[GuestSpec, HostFacts, type[ProvisionerError], str], ...] = (
    (spec(name="ours"), HOST, Conflict, "guest ours exists already on qemu:///system"),
    (
        spec(name="theirs"),
        HOST,
        Conflict,
        "the name theirs is taken on qemu:///system by a domain that is not ours",
    ),
    (
        spec(uuid="00000000-0000-4000-8000-000000000002"),
        HOST,
        Conflict,
        "UUID 00000000-0000-4000-8000-000000000002 belongs to domain theirs on qemu:///system",
    ),
    (
        spec(nics=(Nic("network", "default", "52:54:00:00:00:01"),)),
        HOST,
        Conflict,
        "MAC 52:54:00:00:00:01 belongs to domain ours on qemu:///system",
    ),
    (
        spec(boot="uefi"),
        BIOS_ONLY,
        Invalid,
        "guest web1: qemu:///system offers no uefi firmware for q35 machines",
    ),
    (
        spec(vcpus=9),
        HOST,
        Invalid,
        "guest web1: 9 vCPUs are more than the 8 that qemu:///system gives one guest",
    ),
    (
        spec(memory=8193),
        HOST,
        Invalid,
        "guest web1: 8193 MiB of memory are more than the 8192 MiB that qemu:///system has",
    ),
    (
        spec(disks=(Disk(4, "nope"),)),
        HOST,
        NotFound,
        "no storage pool 'nope' on qemu:///system; known are asleep, ceph, default, vg",
    ),
    (spec(disks=(Disk(4, "asleep"),)), HOST, Conflict, "storage pool asleep on qemu:///system is not active"),
    (
        spec(disks=(Disk(40.5),)),
        HOST,
        Invalid,
        "guest web1: a disk of 40.5 GiB is larger than the 40.0 GiB that pool default has left",
    ),
    (
        spec(nics=(Nic("network", "nope", MAC),)),
        HOST,
        NotFound,
        "no libvirt network 'nope' on qemu:///system; known are default, quiet",
    ),
    (
        spec(nics=(Nic("network", "quiet", MAC),)),
        HOST,
        Conflict,
        "libvirt network quiet on qemu:///system is not active",
    ),
    (
        spec(nics=(Nic("bridge", "br9", MAC),)),
        HOST,
        NotFound,
        "no bridge 'br9' on qemu:///system; known are br0, virbr0",
    ),
    (spec(nics=BRIDGE), NO_BRIDGE, NotFound, "no bridge 'br0' on qemu:///system; known are none"),
    (
        spec(nics=(Nic("direct", "eth9", MAC),)),
        HOST,
        NotFound,
        "no device 'eth9' for a macvtap on qemu:///system; known are br0, eth0, virbr0",
    ),
)


@pytest.mark.parametrize(("guest", "host", "kind", "words"), REFUSED, ids=[row[3] for row in REFUSED])
def test_it_is_refused_in_one_sentence(
    guest: GuestSpec, host: HostFacts, kind: type[ProvisionerError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        check(guest, host)

    assert str(caught.value) == words


@pytest.mark.parametrize(
    "guest",
    [SPEC, spec(disks=(Disk(40),)), spec(boot="uefi", nics=BRIDGE, vcpus=8), spec(nics=MACVTAP, memory=8192)],
)
def test_what_fits_passes(guest: GuestSpec) -> None:
    check(guest, HOST)


def test_devices_that_cannot_be_known_are_not_refused() -> None:
    check(spec(nics=(Nic("bridge", "br9", MAC),)), replace(HOST, bridges=(), interfaces=()))


def test_a_rebuild_finds_itself_but_nobody_else() -> None:
    ours, theirs = HOST.domains
    itself = replace(ours, name=SPEC.name, uuid=SPEC.uuid, macs=(SPEC.mac,))
    check(SPEC, replace(HOST, domains=(itself, theirs)), rebuild=True)

    with pytest.raises(Conflict):
        check(SPEC, replace(HOST, domains=(itself, theirs)))
    with pytest.raises(Conflict, match="not ours"):
        check(SPEC, replace(HOST, domains=(replace(itself, ours=False),)), rebuild=True)


SESSION = replace(HOST, uri="qemu:///session", session=True, networks=(), bridges=("br7",), interfaces=())
LENT = (Nic("user", "", MAC), Nic("bridge", "br7", MAC))
RIGHTS = {
    "libvirt network default": Nic("network", "default", MAC),
    "bridge br0": Nic("bridge", "br0", MAC),
    "a macvtap on eth0": Nic("direct", "eth0", MAC),
}


@pytest.mark.parametrize("nic", LENT)
def test_what_an_ordinary_user_may_be_plugged_into(nic: Nic) -> None:
    check(spec(nics=(nic,)), SESSION)


@pytest.mark.parametrize(("what", "nic"), RIGHTS.items(), ids=RIGHTS)
def test_a_place_that_needs_rights_is_named_with_the_way_out(what: str, nic: Nic) -> None:
    with pytest.raises(Invalid) as caught:
        check(spec(nics=(nic,)), SESSION)

    assert str(caught.value).startswith(f"a guest of qemu:///session cannot be on {what}: ")
    assert caught.value.remedy.startswith("write --network user: ")


SEVERAL = spec(disks=(Disk(30), Disk(11), Disk(8, "vg"), Disk(0, volume="old")))


def test_the_disks_of_one_pool_are_counted_together() -> None:
    words = "guest web1: disks of 41 GiB are larger than the 40.0 GiB that pool default has left"
    with pytest.raises(Invalid, match=words):
        check(SEVERAL, HOST)


def test_a_rebuild_needs_room_for_its_system_disk_alone() -> None:
    ours, theirs = HOST.domains
    itself = replace(ours, name=SPEC.name, uuid=SPEC.uuid, macs=(SPEC.mac,))

    check(SEVERAL, replace(HOST, domains=(itself, theirs)), rebuild=True, made=SEVERAL.disks[:1])


def test_every_pool_and_every_card_is_looked_at() -> None:
    with pytest.raises(NotFound, match="no storage pool 'nope'"):
        check(spec(disks=(Disk(1), Disk(1, "nope"))), HOST)
    with pytest.raises(NotFound, match="no bridge 'br9'"):
        check(spec(nics=(*SPEC.nics, Nic("bridge", "br9", "52:54:00:12:34:99"))), HOST)
    with pytest.raises(Conflict, match="MAC 52:54:00:00:00:01 belongs to domain ours"):
        check(spec(nics=(*SPEC.nics, Nic("user", "", "52:54:00:00:00:01"))), HOST)


def test_a_user_network_needs_nothing_of_the_host() -> None:
    check(spec(nics=(Nic("user", "", MAC),)), replace(HOST, networks=(), bridges=(), interfaces=()))


def test_a_tree_of_another_processor_is_refused() -> None:
    arm = Tree("arm", "/srv/arm", "image", "1", "vmlinuz", "initrd.img", "aarch64")

    with pytest.raises(Invalid, match="tree arm is for aarch64, and guests of qemu:///system are x86_64"):
        check_tree(SPEC, HOST, arm)


@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_a_tree_of_the_hosts_processor_is_not(arch: str) -> None:
    check_tree(SPEC, HOST, Tree("own", "/srv/own", "image", "1", "vmlinuz", "initrd.img", arch))
