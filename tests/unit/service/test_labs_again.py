"""Labs applied again: what somebody changed, what stays, what is kept of secrets, who waits for whom."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.install import Stage
from provisioner.lab.document import read
from provisioner.service.lab_run import Done, Wish
from provisioner.service.requests import Rebuild
from provisioner.web.lab_asked import asked
from tests.fakes import PROFILE
from tests.unit.service.lab_world import SHOP, LabWorld, ended, stocked, told


@pytest.fixture
async def world(tmp_path: Path) -> LabWorld:
    return await stocked(tmp_path)


async def test_what_our_own_hand_changed_is_not_told_as_anothers(world: LabWorld) -> None:
    text = "lab: own\nguests: [{name: base, profile: tiny}, {name: other, profile: tiny}]"
    await world.apply(text)
    await world.installed("base", "other")
    await world.guests.destroy("base")
    await world.clones.clone("base", "copy")  # which moves base onto an overlay
    row = await world.memory.guest("other")
    await world.guests.execution.begin(await world.guests.drafts.rebuilt(row, Rebuild()))

    assert not (await world.plan(text)).waiting

    world.local.edit("base", "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>")
    await world.clones.clone("base", "second")
    assert told(await world.plan(text)) == ["change guest base"]
    assert ended(await world.apply(text)) == ["guest base: done"]
    assert "/base-" in world.local.xmls["base"]
    assert (await world.memory.guest("base")).volume in world.local.xmls["base"]
    await world.clones.close()


async def test_a_profile_that_is_needed_is_not_pruned_and_holds_up_no_other(world: LabWorld) -> None:
    await world.apply(SHOP)
    fewer = (
        SHOP.replace("profiles:\n", "")
        .replace("  - {name: shop, family: image, tree: mini, image: tiny, memory: 512, disk: 1}\n", "")
        .replace("web{1..3}", "web{1..2}")
    )
    await world.installed("web3")

    done = {str(one.change.ref): one for one in await world.apply(fewer, prune=True)}

    assert done["guest web3"].result == "done"
    assert done["profile shop"].result == "failed"
    assert "profile shop is used by web1, web2" in done["profile shop"].text
    assert (await world.memory.install("web1")).stage is Stage.BOOTING
    assert (await world.memory.profile("shop")).name == "shop"


async def test_a_guest_that_is_being_installed_is_not_pruned(world: LabWorld) -> None:
    await world.apply(SHOP)

    done = {str(one.change.ref): one for one in await world.apply("lab: shop\n", prune=True)}

    assert {done[f"guest web{n}"].result for n in (1, 2, 3)} == {"left"}
    assert len(await world.memory.guests()) == 3


async def test_guests_that_may_not_install_at_once_wait_for_each_other(world: LabWorld) -> None:
    applying = asyncio.create_task(world.apply(SHOP, at_once=1))
    for number in (1, 2, 3):
        while not (booting := [one for one in await world.memory.installs() if one.stage is Stage.BOOTING]):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(await world.memory.guests()) == number
        await world.installed(booting[0].guest)

    assert len(await applying) == 5


async def test_who_stops_listening_stops_what_was_not_begun(world: LabWorld) -> None:
    text = SHOP.replace("web{1..3}", "web{01..60}")
    applying = world.labs.apply(read(text, "lab.yaml"), asked, Wish())
    async for item in applying:
        if isinstance(item, Done) and item.change.ref.kind == "guest":
            break
    await applying.aclose()
    await world.guests.close()

    assert 0 < len(await world.memory.guests()) < 60
    again = await world.apply(text)
    assert {one.result for one in again} == {"done"}
    assert len(await world.memory.guests()) == len(world.local.there) == 60
    assert not (await world.plan(text)).waiting


async def test_a_guest_that_was_rebuilt_by_another_profile_is_told_of(world: LabWorld) -> None:
    text = "lab: own\nguests: [{name: web1, profile: tiny}]"
    await world.apply(text)
    await world.installed("web1")
    await world.shop_profile()
    draft = await world.guests.drafts.rebuilt(await world.memory.guest("web1"), Rebuild("other"))
    await world.guests.execution.begin(draft)
    await world.installed("web1")

    (row,) = (await world.plan(text)).rows
    assert [(one.path, one.old, one.new) for one in row.change.differences] == [("profile", "other", "tiny")]
    assert "changed behind us" in row.change.reason

    assert ended(await world.apply(text)) == ["guest web1: done"]
    (row,) = (await world.plan(text)).rows
    assert (row.change.action, row.change.reason) == ("keep", "a rebuild would take up what differs")
    assert (await world.memory.guest("web1")).spec.profile == "tiny"


async def test_what_was_there_before_is_taken_over_and_never_pruned(world: LabWorld) -> None:
    await world.memory.put_profile(replace(PROFILE, name="shop", shipped=False), new=True)
    text = "lab: own\nprofiles:\n  - {name: shop, family: image, tree: mini, image: tiny, memory: 768}\n"

    assert told(await world.plan(text)) == ["change profile shop"]
    assert ended(await world.apply(text)) == ["profile shop: done"]
    assert (await world.memory.profile("shop")).memory == 768
    assert [thing.made for thing in await world.memory.lab_things()] == [False]

    assert await world.apply("lab: own\n", prune=True) == []
    assert (await world.memory.profile("shop")).memory == 768
    assert await world.memory.lab_things() == []


async def test_what_another_lab_needs_too_is_not_pruned(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.apply(SHOP.replace("lab: shop", "lab: other").split("guests:")[0])

    plan = await world.plan("lab: shop\n", prune=True)

    assert told(plan) == [f"remove guest web{n}" for n in (1, 2, 3)]


async def test_a_password_is_kept_as_a_seal_and_its_change_is_seen(world: LabWorld) -> None:
    text = """
lab: own
profiles:
  - {name: shop, family: debian, tree: d13, release: "13", variables: {root_password: hunter2, lang: de}}
"""
    assert ended(await world.apply(text)) == ["profile shop: done"]
    assert not (await world.plan(text)).waiting
    assert "hunter2" not in str(await world.memory.lab_things())

    (row,) = (await world.plan(text.replace("hunter2", "hunter3"))).rows
    assert [(one.path, one.old, one.new) for one in row.change.differences] == [
        ("variables.root_password", "***", "***")
    ]
    assert "hunter" not in row.text and "$6$" not in row.text
    assert ended(await world.apply(text.replace("hunter2", "hunter3"))) == ["profile shop: done"]
    assert not (await world.plan(text.replace("hunter2", "hunter3"))).waiting


async def test_a_plan_tells_what_stands_against_a_guest(world: LabWorld) -> None:
    small = "{name: 'web{1..3}', profile: tiny, disks: [size=0.001]}"
    text = f"lab: own\nguests: [{small}, {{name: db, profile: tiny}}]"

    rows = {str(row.change.ref): row.change for row in (await world.plan(text)).rows}

    assert rows["guest web1"].reason.startswith("it would fail: image tiny needs ")
    assert rows["guest db"].reason == ""
    assert world.local.applied == []


async def test_a_guest_whose_domain_somebody_removed_is_made_anew(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    del world.local.there[(await world.memory.guest("web2")).spec.uuid]

    (row,) = [row for row in (await world.plan(SHOP)).rows if row.work]
    assert (str(row.change.ref), row.change.action) == ("guest web2", "replace")
    assert "its domain is gone from libvirt" in row.change.reason

    assert ended(await world.apply(SHOP, replace=True)) == ["guest web2: done"]
    assert len(world.local.there) == 3


async def test_a_replacement_that_could_not_be_made_loses_nothing(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    tiny = SHOP.replace("    profile: shop\n", "    profile: shop\n    disks: [size=0.001]\n")

    plan = await world.plan(tiny)
    assert all("it would fail: image tiny needs" in row.change.reason for row in plan.rows if row.work)
    done = await world.apply(tiny, replace=True)

    assert {one.result for one in done} == {"failed"}
    assert sorted(domain.name for domain in world.local.there.values()) == ["web1", "web2", "web3"]
    assert {name for _, name in world.local.disks} == {"web1-i1", "web2-i2", "web3-i3"}


async def test_a_plan_shows_the_answer_file_before_and_after(world: LabWorld) -> None:
    variables = "{timezone: Europe/Berlin, root_password: a}"
    text = f"lab: own\nguests: [{{name: web1, profile: tiny, variables: {variables}}}]"
    await world.apply(text)
    await world.installed("web1")
    before = (await world.memory.guest("web1")).secrets["variables"]
    other = text.replace("Berlin", "Paris").replace("root_password: a", "root_password: b")

    (row,) = (await world.plan(other)).rows

    assert [(one.path, one.new) for one in row.change.differences] == [
        ("variables.timezone", "Europe/Paris"),
        ("variables.root_password", "***"),
    ]
    assert "answer file of web1" in row.text
    assert "Europe/Berlin" in row.text and "Europe/Paris" in row.text and "$6$" not in row.text
    assert ended(await world.apply(other)) == ["guest web1: done"]
    after = (await world.memory.guest("web1")).secrets["variables"]
    assert "Paris" in after and after != before
    assert not (await world.plan(other)).waiting


async def test_a_changed_profile_is_shown_by_one_of_its_guests_which_stay(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    other = SHOP.replace("disk: 1}", "disk: 1, variables: {timezone: Asia/Tokyo}}")

    plan = await world.plan(other)
    (row,) = [row for row in plan.rows if row.work]
    assert "answer file of web1" in row.text and "Asia/Tokyo" in row.text
    assert ended(await world.apply(other)) == ["profile shop: done"]

    again = await world.plan(other)
    assert told(again) == [f"keep guest web{n}" for n in (1, 2, 3)]
    assert {row.change.reason for row in again.rows} == {"", "a rebuild would take up what differs"}
    assert not again.waiting


async def test_memory_stays_what_it_is_where_something_else_is_put_right(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    more = SHOP.replace("memory: 512", "memory: 768")
    await world.apply(more)
    world.local.edit("web2", "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>")

    assert ended(await world.apply(more)) == ["guest web2: done"]

    assert (await world.memory.guest("web2")).spec.memory == 512
