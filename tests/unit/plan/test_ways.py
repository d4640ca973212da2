"""What each method does, step by step: in its order, undone to nothing, told without a secret."""

from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk
from provisioner.plan.describe import describe, masked
from provisioner.plan.given import Given, volume_path
from provisioner.plan.plan import data_volumes, plan_guest, plan_rebuild, plan_removal
from provisioner.plan.steps import (
    CreateVolume,
    DeleteVolume,
    LocalStep,
    Plan,
    StartDomain,
    Step,
    StopDomain,
    UndefineDomain,
    UploadVolume,
)
from tests.steps import undoing
from tests.unit.plan.samples import GIB, HOST, SERIAL, SPEC, ground, spec
from tests.unit.plan.ways import (
    ANSWER_TOKEN,
    CIDATA,
    IMAGE,
    KS,
    NONE,
    PACKED,
    REPORT_TOKEN,
    SEVERAL,
    WAYS,
    Way,
    image_disk,
    with_image,
)

UUID = SPEC.uuid
KERNEL = (
    "fetch images/pxeboot/vmlinuz of http://mirror/el9",
    "upload kernel as volume web1-i-0001-kernel to pool default",
)
INITRD = (
    "fetch images/pxeboot/initrd.img of http://mirror/el9",
    "upload initrd as volume web1-i-0001-initrd to pool default",
)
EMPTY = "create volume web1-i-0001 in pool default (4 GiB, qcow2)"
DEFINE = f"define domain web1 ({UUID})"
START, FIRST = "start domain web1", "start domain web1 into its first stage"
FRESH = " with a fresh variable store"

STEPS: dict[str, tuple[str, ...]] = {
    "url-bios": (*KERNEL, *INITRD, EMPTY, DEFINE, FIRST),
    "url-injected": (*KERNEL, INITRD[0] + ", and add hosts", INITRD[1], EMPTY, DEFINE, FIRST),
    "url-uefi-kvm-dvd": (
        "fetch images/pxeboot/vmlinuz of /srv/el9.iso",
        KERNEL[1],
        "fetch images/pxeboot/initrd.img of /srv/el9.iso",
        INITRD[1],
        EMPTY,
        DEFINE,
        FIRST + FRESH,
    ),
    "iso-bios-seed": (
        "pack ks.cfg into a volume labelled OEMDRV",
        "upload oemdrv.iso as volume web1-i-0001-seed to pool default",
        EMPTY,
        DEFINE,
        FIRST,
    ),
    "iso-uefi": (EMPTY, DEFINE, FIRST + FRESH),
    "iso-drive": (EMPTY, DEFINE, FIRST),
    "import-copy": ("upload cloud.qcow2 as volume web1-i-0001 to pool default", DEFINE, START),
    "import-raw-larger": (
        "upload disk.raw as volume web1-i-0001 to pool default",
        "resize volume web1-i-0001 in pool default to 8 GiB",
        DEFINE,
        START,
    ),
    "import-packed": (
        "unpack or convert the image /srv/cloud.raw.xz to qcow2",
        "upload cccc3333.qcow2 as volume web1-i-0001 to pool default",
        DEFINE,
        START,
    ),
    "import-linked-seed": (
        "pack user-data, meta-data into a volume labelled cidata",
        "upload cidata.iso as volume web1-i-0001-seed to pool default",
        "unpack or convert the image /srv/cloud.raw.xz to qcow2",
        "upload cccc3333.qcow2 as volume base-cccc3333.qcow2 to pool default, for every guest of this image",
        "create volume web1-i-0001 in pool default (10 GiB, qcow2 over base-cccc3333.qcow2)",
        DEFINE,
        START,
    ),
    "import-volume": (DEFINE, START),
    "pxe-several": (
        EMPTY,
        "create volume web1-i-0001-2 in pool vg (8 GiB, raw)",
        "create volume web1-i-0001-3 in pool default (1 GiB, qcow2)",
        "create volume web1-i-0001-5 in pool default (0.5 GiB, qcow2)",
        DEFINE,
        START,
    ),
    "pxe-vnc-secure": (
        "keep images/pxeboot/vmlinuz of http://mirror/el9 for boot loaders",
        "keep images/pxeboot/initrd.img of http://mirror/el9 for boot loaders",
        "keep EFI/BOOT/BOOTX64.EFI of http://mirror/el9, if it is there, for boot loaders",
        "keep EFI/BOOT/grubx64.efi of http://mirror/el9, if it is there, for boot loaders",
        "keep EFI/BOOT/BOOTAA64.EFI of http://mirror/el9, if it is there, for boot loaders",
        "keep EFI/BOOT/grubaa64.efi of http://mirror/el9, if it is there, for boot loaders",
        EMPTY,
        DEFINE,
        START + FRESH,
    ),
    "pxe-user-network": (EMPTY, DEFINE, START),
}


@pytest.mark.parametrize(("name", "told"), STEPS.items(), ids=STEPS)
def test_a_guest_is_made_in_this_order(name: str, told: tuple[str, ...]) -> None:
    assert tuple(describe(step) for step in WAYS[name].plan.steps) == told


def made(steps: tuple[Step, ...]) -> set[tuple[str, str]]:
    """The volumes that there are after `steps`, as (pool, name); those for all guests are not counted."""
    there: set[tuple[str, str]] = set()
    for step in steps:
        match step:
            case UploadVolume(shared=True):
                pass
            case CreateVolume() | UploadVolume():
                there.add((step.pool, step.name))
            case DeleteVolume():
                there.discard((step.pool, step.name))
            case _:
                pass
    return there


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_undone_from_any_point_nothing_is_left(way: Way) -> None:
    steps = way.plan.steps
    for cut in range(len(steps) + 1):
        undone = undoing(way.plan, cut)

        assert made((*steps[:cut], *undone)) == set()
        assert not any(isinstance(step, LocalStep) for step in undone), "files go with their folder"
    assert undoing(way.plan)[:2] == [StopDomain("web1", UUID), UndefineDomain("web1", UUID)]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_volume_of_the_guest_has_its_name_and_its_installs(way: Way) -> None:
    for _, name in made(way.plan.steps):
        assert name.startswith("web1-i-0001")


TEMPORARY = {
    "url-bios": ("web1-i-0001-kernel", "web1-i-0001-initrd"),
    "url-user-network": ("web1-i-0001-kernel", "web1-i-0001-initrd"),
    "iso-bios-seed": ("web1-i-0001-seed",),
    "iso-uefi": (),
    "import-copy": (),
    "import-linked-seed": (),
    "pxe-several": (),
}


@pytest.mark.parametrize(("name", "volumes"), TEMPORARY.items(), ids=TEMPORARY)
def test_what_only_the_first_stage_needs_is_named(name: str, volumes: tuple[str, ...]) -> None:
    plan = WAYS[name].plan

    assert plan.temporary == tuple(("default", volume) for volume in volumes)
    for volume in volumes:
        assert volume in plan.first_xml
        assert volume not in plan.xml


SECRETS = (SERIAL, ANSWER_TOKEN, REPORT_TOKEN)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_secret_is_shown(way: Way) -> None:
    shown = masked(way.plan, SECRETS)

    told = repr(shown) + "".join(map(describe, way.plan.steps))
    assert [secret for secret in SECRETS if secret in told] == []
    assert SERIAL in way.plan.xml
    assert "***" in shown.xml
    if way.given.arguments:
        assert ANSWER_TOKEN in way.plan.first_xml
        assert "answer/***/ks.cfg" in shown.first_xml


def test_what_is_injected_is_told_by_its_name_alone() -> None:
    plan = WAYS["url-injected"].plan

    assert "MTI3LjAuMC4xIGxvY2FsaG9zdAo=" not in repr(plan)


def test_the_password_of_a_source_is_not_told() -> None:
    way = WAYS["url-bios"]
    tree = replace(way.tree, source="ftp://me:hunter2@mirror/el9")
    plan = plan_guest(way.spec, HOST, tree, way.given)

    assert describe(plan.steps[0]) == "fetch images/pxeboot/vmlinuz of ftp://me:***@mirror/el9"
    assert "hunter2" not in repr(plan)


WRONG: dict[str, tuple[Way, str]] = {
    "an import without an image": (
        Way(spec(method="import", profile="", disks=(Disk(4),)), given=ground("i-0001")),
        "guest web1: --import needs a disk image: --disk IMAGE or --disk vol=POOL/NAME",
    ),
    "a disk smaller than its image": (
        Way(spec(method="import", disks=image_disk(size=1)), given=with_image(IMAGE)),
        "guest web1: the image /srv/cloud.qcow2 holds a disk of 2.0 GiB, more than the 1 GiB that are asked",
    ),
    "a kernel in a pool of block devices": (
        replace(WAYS["url-bios"], spec=spec(method="url", disks=(Disk(4, "vg", "raw"),))),
        "pool vg on qemu:///system keeps no files, which an installer's kernel and seed have to be",
    ),
    "a seed in a pool without a path": (
        Way(spec(method="iso", iso="/srv/a.iso", disks=(Disk(4, "ceph", "raw"),)), given=ground(seed=KS)),
        "pool ceph on qemu:///system keeps no files",
    ),
    "arguments of two lines": (
        Way(spec(method="url"), given=ground(arguments="a\nb")),
        "guest web1: the arguments 'a\\\\nb' holds control characters",
    ),
}


@pytest.mark.parametrize(("way", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_planned_is_one_sentence(way: Way, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence) as caught:
        _ = way.plan

    assert "\n" not in str(caught.value)


def test_a_base_that_is_there_is_not_uploaded_again() -> None:
    way = WAYS["import-linked-seed"]
    given = replace(way.given, seed=None, present=frozenset({"base-cccc3333.qcow2", "other"}))

    plan = plan_guest(replace(way.spec, cloud_init=False), HOST, NONE, given)

    assert [describe(step) for step in plan.steps] == [STEPS["import-linked-seed"][4], DEFINE, START]


def test_a_linked_disk_without_a_size_is_as_large_as_its_image() -> None:
    plan = plan_guest(
        spec(method="import", disks=image_disk(size=0, linked=True)), HOST, NONE, with_image(IMAGE)
    )

    assert [step.capacity for step in plan.steps if isinstance(step, CreateVolume)] == [2 * GIB]


def rebuilt(way: Way) -> Plan:
    given = replace(way.given, install="i-0002", volume=way.spec.disk.volume or "web1-i-0002")
    return plan_rebuild(way.spec, way.host, way.tree, given, old_volume=way.given.volume)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_rebuild_replaces_the_system_disk_alone(way: Way) -> None:
    plan = rebuilt(way)
    deleted = [step for step in plan.steps if isinstance(step, DeleteVolume)]
    kept = {name for name in way.given.data_volumes if name} | {"old-data", "old-system"}

    assert plan.steps[0] == StopDomain("web1", UUID)
    assert isinstance(plan.steps[-1], StartDomain)
    assert deleted == ([] if way.spec.disk.volume else [DeleteVolume("default", "web1-i-0001")])
    assert not {name for _, name in made(plan.steps)} & kept
    assert all(name.startswith("web1-i-0002") for _, name in made(plan.steps))
    undone = undoing(plan)
    assert not any(isinstance(step, UndefineDomain) for step in undone)
    assert not {step.name for step in undone if isinstance(step, DeleteVolume)} & {*kept, "web1-i-0001"}


def test_volumes_that_are_there_already_are_not_named_anew() -> None:
    assert data_volumes(spec(disks=SEVERAL), "i-1") == ("web1-i-1-2", "web1-i-1-3", "", "web1-i-1-5")
    assert data_volumes(SPEC, "i-1") == ()


def test_a_removal_deletes_each_volume_once() -> None:
    pairs = [("default", "a"), ("fast", "a"), ("default", "a")]

    assert plan_removal("web1", UUID, pairs).steps == (
        UndefineDomain("web1", UUID),
        DeleteVolume("default", "a"),
        DeleteVolume("fast", "a"),
    )


WARNED: dict[str, tuple[dict[str, Any], Given, str]] = {
    "nobody answers a medium": (
        {"method": "iso", "profile": "", "iso": "/srv/a.iso"},
        ground(),
        "no profile answers the installer of web1: it will ask its questions on the console",
    ),
    "nobody answers a tree": (
        {"method": "url", "profile": ""},
        ground(arguments="inst.repo=x"),
        "no profile answers the installer of web1: it will ask its questions on the console",
    ),
    "the user answers himself": (
        {"method": "url", "profile": "", "extra_args": "inst.ks=http://x/y"},
        ground(arguments="inst.repo=x"),
        "",
    ),
    "cloud-init answers": ({"method": "import", "profile": "", "cloud_init": True}, ground(seed=CIDATA), ""),
}


@pytest.mark.parametrize(("changes", "given", "warning"), WARNED.values(), ids=WARNED)
def test_what_a_person_should_know(changes: dict[str, Any], given: Given, warning: str) -> None:
    disks = image_disk(PACKED) if changes["method"] == "import" else (Disk(4),)
    given = replace(given, image=PACKED)
    host = replace(HOST, virt_type="kvm")

    told = plan_guest(spec(disks=disks, **changes), host, WAYS["url-bios"].tree, given).warnings

    assert told == ((warning,) if warning else ())


def test_where_a_host_has_a_volume() -> None:
    assert volume_path(HOST, "default", "a") == "/var/lib/libvirt/images/a"
    for pool in ("vg", "ceph", "nobody"):
        with pytest.raises(Invalid, match=f"pool {pool} on qemu:///system keeps no files"):
            volume_path(HOST, pool, "a")
