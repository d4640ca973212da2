"""Labs planned and applied: what is made, left alone, changed, made anew, and what stands against it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict
from provisioner.core.host import Domain
from provisioner.core.install import Stage
from provisioner.service.ports import JournalRow
from provisioner.service.requests import CreateGuest
from tests.fakes import IMAGE
from tests.unit.service.lab_world import RACK, SHOP, LabWorld, ended, stocked, told


@pytest.fixture
async def world(tmp_path: Path) -> LabWorld:
    return await stocked(tmp_path)


async def test_a_lab_is_made_and_then_there_is_nothing_to_do(world: LabWorld) -> None:
    plan = await world.plan(SHOP)
    assert (plan.counts["add"], plan.waiting) == (5, True)
    assert told(plan) == ["add network shop", "add profile shop", *(f"add guest web{n}" for n in (1, 2, 3))]

    done = await world.apply(SHOP)

    assert ended(done) == [
        "guest web1: done",
        "guest web2: done",
        "guest web3: done",
        "network shop: done",
        "profile shop: done",
    ]
    again = await world.plan(SHOP)
    assert (again.counts["keep"], again.waiting, told(again)) == (5, False, [])
    before = len(world.local.applied)
    assert await world.apply(SHOP) == []
    assert len(world.local.applied) == before


async def test_one_changed_by_hand_is_seen_and_put_right(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    world.local.edit("web2", "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>")

    plan = await world.plan(SHOP)

    assert told(plan) == ["change guest web2"]
    (row,) = [row for row in plan.rows if row.work]
    assert [(one.path, one.old, one.new) for one in row.change.differences] == [
        ("xml on_crash", "restart", "destroy")
    ]
    assert "-  <on_crash>restart</on_crash>\n+  <on_crash>destroy</on_crash>\n" in row.text
    token = world.world.tokens().mint("i2", "stub", 1)
    assert token in world.local.xmls["web2"] and token not in row.text

    assert ended(await world.apply(SHOP)) == ["guest web2: done"]
    assert "<on_crash>destroy</on_crash>" in world.local.xmls["web2"]
    assert token in world.local.xmls["web2"]
    assert not (await world.plan(SHOP)).waiting


async def test_memory_is_changed_in_place(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    more = SHOP.replace("    profile: shop\n", "    profile: shop\n    memory: 768\n")

    plan = await world.plan(more)
    assert plan.counts["change"] == 3
    done = await world.apply(more)

    assert [one.text for one in done] == ["changed; it takes effect when it is next switched on"] * 3
    assert all("unit='KiB'>786432</memory>" in world.local.xmls[f"web{n}"] for n in (1, 2, 3))
    assert (await world.memory.guest("web1")).spec.memory == 768
    assert (await world.memory.install("web1")).id == "i1"
    assert not (await world.plan(more)).waiting


async def test_a_running_install_is_never_disturbed(world: LabWorld) -> None:
    await world.apply(SHOP)
    other = SHOP.replace("    profile: shop\n", "    profile: shop\n    memory: 768\n    boot: uefi\n")
    steps = len(world.local.applied)

    done = await world.apply(other, replace=True)

    assert {one.result for one in done} == {"left"}
    assert all("it is being installed" in one.text for one in done)
    assert len(world.local.applied) == steps


async def test_what_must_be_made_anew_is_left_until_that_is_allowed(world: LabWorld) -> None:
    await world.apply(SHOP)
    await world.installed("web1", "web2", "web3")
    other = SHOP.replace("    profile: shop\n", "    profile: shop\n    boot: uefi\n")
    macs = [(await world.memory.guest(f"web{n}")).spec.mac for n in (1, 2, 3)]

    assert (await world.plan(other)).counts["replace"] == 3
    assert {one.result for one in await world.apply(other)} == {"left"}
    assert (await world.memory.guest("web1")).spec.boot == "bios"

    done = await world.apply(other, replace=True)

    assert ended(done) == ["guest web1: done", "guest web2: done", "guest web3: done"]
    rows = [await world.memory.guest(f"web{n}") for n in (1, 2, 3)]
    assert ([row.spec.boot for row in rows], [row.spec.mac for row in rows]) == (["uefi"] * 3, macs)
    assert not (await world.plan(other)).waiting


async def test_what_names_something_that_nobody_has_is_left_and_told_before(world: LabWorld) -> None:
    text = """
lab: shop
guests:
  - {name: a, profile: tinny}
  - {name: b, profile: tiny, networks: [network=defalt]}
  - {name: c, profile: tiny, on: rack9, networks: [network=x]}
  - {name: d, clone: nobody}
  - {name: e, profile: tiny, needs: [a]}
"""
    held = {
        "a": "the profile 'tinny' is not known; did you mean 'tiny'?",
        "b": "the network 'defalt' is not known; did you mean 'default'?",
        "c": "the host 'rack9' is not known; known are local",
        "d": "the guest 'nobody' is not known; known are none",
        "e": "",
    }

    plan = await world.plan(text)
    assert {row.change.ref.name: row.held for row in plan.rows} == held
    done = {one.change.ref.name: one for one in await world.apply(text)}

    assert {name: one.text for name, one in done.items() if name != "e"} | {"e": ""} == held
    assert done["e"].text.startswith("it needs guest a, which was left: the profile 'tinny'")
    assert {one.result for one in done.values()} == {"left"}


async def test_only_what_the_lab_made_is_pruned(world: LabWorld) -> None:
    await world.guests.create(CreateGuest("hand", "tiny"))
    taken = SHOP + "  - {name: hand, profile: tiny}\n"
    await world.apply(taken)
    await world.installed("hand", "web1", "web2", "web3")
    fewer = (
        SHOP.replace("web{1..3}", "web1")
        .replace("    networks: [network=shop]\n", "")
        .replace("networks:\n  - {name: shop, subnet: 192.168.90.0/24}\n", "")
    )
    fewer = fewer.replace("    profile: shop\n", "    profile: shop\n    networks: [network=shop]\n")

    assert (await world.plan(fewer)).counts["gone"] == 3
    assert await world.apply(fewer) == []
    assert (await world.plan(fewer, prune=True)).counts["remove"] == 3

    assert ended(await world.apply(fewer, prune=True)) == [
        "guest web2: done",
        "guest web3: done",
        "network shop: done",
    ]
    assert [row.spec.name for row in await world.memory.guests()] == ["hand", "web1"]
    assert [str(thing.ref) for thing in await world.memory.lab_things()] == ["guest web1", "profile shop"]


async def test_a_host_that_is_down_keeps_nobody_from_the_others(world: LabWorld) -> None:
    text = SHOP + "  - {name: far, profile: shop, on: rack}\nhosts:\n  - {name: rack, uri: " + RACK + "}\n"
    world.rack.down = True

    done = await world.apply(text)

    (far,) = [one for one in done if one.result != "done"]
    assert (str(far.change.ref), far.result) == ("guest far", "left")
    assert "does not answer" in far.text
    assert len(done) == 7
    world.rack.down = False
    assert ended(await world.apply(text)) == ["guest far: done"]
    assert [domain.name for domain in world.rack.there.values()] == ["far"]


async def test_what_needs_something_that_failed_is_left(world: LabWorld) -> None:
    async def broken(xml: str, autostart: bool) -> None:
        raise Conflict("the bridge is taken")

    world.local.nets.create_network = broken  # type: ignore[assignment, method-assign]

    done = {str(one.change.ref): one for one in await world.apply(SHOP)}

    assert (done["network shop"].result, done["network shop"].text) == ("failed", "the bridge is taken")
    assert (done["guest web1"].result, done["guest web1"].text) == (
        "left",
        "it needs network shop, which failed",
    )
    assert done["profile shop"].result == "done"


async def test_what_is_not_the_labs_is_refused(world: LabWorld) -> None:
    foreign = Domain("web1", "11111111-0000-4000-8000-000000000001", "running", ours=False)
    world.local.there[foreign.uuid] = foreign

    done = {str(one.change.ref): one for one in await world.apply(SHOP)}

    assert done["guest web1"].result == "left"
    assert "was not made here" in done["guest web1"].text
    assert done["guest web2"].result == "done"


async def test_two_applies_of_one_lab_do_not_meet(world: LabWorld) -> None:
    first = asyncio.create_task(world.apply(SHOP))
    await asyncio.sleep(0)
    with pytest.raises(Conflict, match="lab shop is being applied right now"):
        await world.apply(SHOP)
    assert len(await first) == 5


async def test_clones_of_a_guest_that_is_being_installed_wait_for_it(world: LabWorld) -> None:
    text = """
lab: copies
guests:
  - {name: base, profile: tiny}
  - {name: "c{1..5}", clone: base, start: paused}
"""
    done = {str(one.change.ref): one for one in await world.apply(text)}
    assert done["guest base"].result == "done"
    assert done["guest c1"].result == "left" and "guest base is being installed" in done["guest c1"].text
    await world.installed("base")
    done = {str(one.change.ref): one for one in await world.apply(text)}
    assert done["guest c1"].result == "left" and "guest base is switched on" in done["guest c1"].text
    await world.guests.destroy("base")

    assert ended(await world.apply(text)) == [f"guest c{n}: done" for n in range(1, 6)]
    await world.clones.close()
    again = await world.plan(text)
    assert not again.waiting, told(again)
    assert (await world.memory.install("c1")).stage is Stage.INSTALLED


async def test_an_image_with_nothing_to_tune_is_never_built_again_for_that(world: LabWorld) -> None:
    text = "lab: x\nimages: [{name: tiny, tune: true}]\n"

    assert await world.apply(text) == []
    assert not (await world.plan(text)).waiting
    await world.memory.put_image(replace(IMAGE, name="debian12"))
    assert (await world.plan(text.replace("tiny", "debian12"))).counts["refuse"] == 1


async def test_an_apply_waits_for_what_the_reconciler_still_makes(world: LabWorld) -> None:
    await world.apply(SHOP)
    row = await world.memory.guest("web2")
    await world.memory.journal(JournalRow(row.install, 99, "define domain web2", "intent"))
    domain = world.local.there.pop(row.spec.uuid)
    world.guests.execution.busy.add(row.install)

    applying = asyncio.create_task(world.apply(SHOP, replace=True))
    await asyncio.sleep(0.15)
    assert not applying.done()
    world.local.there[row.spec.uuid] = domain
    world.guests.execution.busy.discard(row.install)
    await world.memory.close_journal(row.install)

    assert await applying == []
    assert (await world.memory.guest("web2")).install == row.install
