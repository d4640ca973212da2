"""The steps of a plan, their order and undoing, and how they are told."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.guest import Disk
from provisioner.plan.describe import describe, masked
from provisioner.plan.naming import volume_name
from provisioner.plan.plan import (
    plan_guest,
    plan_rebuild,
    plan_removal,
)
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    Plan,
    SetAutostart,
    StartDomain,
    Step,
    StopDomain,
    UndefineDomain,
)
from tests.unit.plan.samples import GIB, HOST, KVM, MINI, SERIAL, SPEC, ground, spec

NAME, UUID = SPEC.name, SPEC.uuid


def plan(**changes: object) -> Plan:
    return plan_guest(spec(**changes), HOST, MINI, ground())


def undoing(made: Plan) -> list[Step]:
    return [step.undo for step in reversed(made.steps) if step.undo is not None]


def test_a_guest_is_made_in_this_order() -> None:
    made = plan(autostart=True)

    assert made.steps == (
        CreateVolume("default", "web1-i-1", 4 * GIB, "qcow2"),
        DefineDomain(NAME, UUID, made.xml),
        SetAutostart(NAME, UUID, True),
        StartDomain(NAME, UUID),
    )


def test_autostart_is_a_step_only_where_asked() -> None:
    assert not any(isinstance(step, SetAutostart) for step in plan().steps)


def test_undoing_goes_backwards_and_leaves_nothing() -> None:
    assert undoing(plan(autostart=True)) == [
        StopDomain(NAME, UUID),
        UndefineDomain(NAME, UUID),
        DeleteVolume("default", "web1-i-1"),
    ]


def test_uefi_starts_with_a_fresh_variable_store() -> None:
    assert plan(boot="uefi").steps[-1] == StartDomain(NAME, UUID, reset_nvram=True)


def test_a_rebuild_replaces_the_disk_and_drops_the_old_one_last() -> None:
    made = plan_rebuild(spec(boot="uefi"), HOST, MINI, ground("i-2"), old_volume="web1-i-1")

    assert made.steps == (
        StopDomain(NAME, UUID),
        CreateVolume("default", "web1-i-2", 4 * GIB, "qcow2"),
        DefineDomain(NAME, UUID, made.xml, replaces=True),
        DeleteVolume("default", "web1-i-1"),
        StartDomain(NAME, UUID, reset_nvram=True),
    )


def test_undoing_a_rebuild_keeps_the_guest_defined() -> None:
    made = plan_rebuild(SPEC, HOST, MINI, ground("i-2"), old_volume="web1-i-1")

    assert undoing(made) == [StopDomain(NAME, UUID), DeleteVolume("default", "web1-i-2")]


def test_a_rebuild_into_the_same_volume_empties_it_first() -> None:
    made = plan_rebuild(SPEC, HOST, MINI, ground("i-1"), old_volume="web1-i-1")

    kinds = [type(step) for step in made.steps]
    assert kinds == [StopDomain, DeleteVolume, CreateVolume, DefineDomain, StartDomain]


def test_a_removal_leaves_nothing() -> None:
    assert plan_removal("web1", UUID, [("default", "web1-i-1"), ("default", "web1-i-1")]).steps == (
        UndefineDomain("web1", UUID),
        DeleteVolume("default", "web1-i-1"),
    )


def test_a_volume_is_named_after_guest_and_install() -> None:
    assert volume_name("web1", "i-1") == "web1-i-1"


def test_every_step_is_told_in_one_line_without_the_secret() -> None:
    steps: dict[Step, str] = {
        CreateVolume("fast", "v", 3 * GIB // 2, "raw"): "create volume v in pool fast (1.5 GiB, raw)",
        DeleteVolume("fast", "v"): "delete volume v in pool fast",
        DefineDomain("g", "u", f"<x>{SERIAL}</x>"): "define domain g (u)",
        DefineDomain("g", "u", "<x/>", replaces=True): "redefine domain g (u)",
        UndefineDomain("g", "u"): "remove domain g (u) with its variable store",
        StopDomain("g", "u"): "power off domain g",
        StartDomain("g", "u"): "start domain g",
        StartDomain("g", "u", True): "start domain g with a fresh variable store",
        SetAutostart("g", "u", True): "switch autostart of domain g on",
        SetAutostart("g", "u", False): "switch autostart of domain g off",
    }

    assert {step: describe(step) for step in steps} == steps


def test_a_masked_plan_shows_no_secret_and_is_otherwise_the_same() -> None:
    bare = plan()

    shown = masked(bare, [SERIAL])

    assert SERIAL in bare.xml
    assert shown.xml == bare.xml.replace(SERIAL, "***")
    assert [describe(step) for step in shown.steps] == [describe(step) for step in bare.steps]
    assert masked(bare, [""]) == bare


@given(st.text("ab<>&'\"", min_size=3))
def test_an_escaped_secret_is_masked_too(secret: str) -> None:
    made = plan_guest(SPEC, HOST, MINI, ground(serial=secret + "#mark"))

    assert "#mark" not in masked(made, [secret + "#mark"]).xml


def test_sizes_are_rounded_to_whole_bytes() -> None:
    step = plan(disks=(Disk(0.1),)).steps[0]

    assert isinstance(step, CreateVolume)
    assert step.capacity == 107374182


def test_emulation_and_a_slow_host_are_told() -> None:
    host = replace(HOST, warnings=("starting takes a minute",))

    told = plan_guest(SPEC, host, MINI, ground()).warnings

    assert told == (
        "web1 is emulated without KVM (no kernel booted): expect it to be many times slower",
        "starting takes a minute",
    )


def test_nothing_is_told_where_all_is_well() -> None:
    assert plan_guest(SPEC, KVM, MINI, ground()).warnings == ()
