"""Clones: what is made, what is refused, and that nothing half made stays."""

import asyncio
from typing import Any

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.plan.steps import CopyVolume, DefineDomain, LinkVolume
from provisioner.service.ports import JournalRow
from provisioner.service.reconcile import reconcile
from tests.fakes import FakeHypervisor
from tests.unit.service.test_guest_life import Living, new_living


@pytest.fixture
async def living() -> Living:
    made = await new_living()
    await made.off()
    return made


def domains(host: FakeHypervisor) -> list[str]:
    return sorted(domain.name for domain in host.there.values())


async def test_a_linked_clone_is_a_guest_of_its_own(living: Living) -> None:
    made = await living.clones.clone("web1", "web2")

    source, clone = [await living.memory.guest(name) for name in ("web1", "web2")]
    install = await living.memory.install("web2")
    assert (made.name, made.state, made.ours, made.install) == ("web2", "shut off", True, install)
    assert (install.stage, install.percent) == (Stage.INSTALLED, 100)
    assert (clone.volume, source.volume) == ("web2-i2", "web1-i2")
    assert (clone.secrets, clone.spec.memory) == (source.secrets, source.spec.memory)
    assert len({source.spec.mac, clone.spec.mac}) == len({source.spec.uuid, clone.spec.uuid}) == 2
    assert [event.text for event in await living.memory.events(install="i2")] == ["cloned from web1"]
    await living.clones.close()
    assert await living.memory.open_journal() == []
    assert living.libvirt.backings == {("default", "web1-i2"): "web1-i1", ("default", "web2-i2"): "web1-i1"}
    assert living.world.tokens().mint("i2", "stub", 1) in living.libvirt.xmls["web2"]
    assert "/web1-i2" in living.libvirt.xmls["web1"] and "web1-i1" not in living.libvirt.xmls["web1"]


async def test_both_may_be_started_afterwards(living: Living) -> None:
    await living.clones.clone("web1", "web2")

    for name in ("web1", "web2"):
        await living.guests.start(name)
        assert (await living.guests.show(name)).state == "running"


async def test_many_clones_stand_on_one_base(living: Living) -> None:
    for number in range(2, 6):
        await living.clones.clone("web1", f"web{number}")

    assert set(living.libvirt.backings.values()) == {"web1-i1"}
    assert (await living.memory.guest("web1")).volume == "web1-i2"


async def test_several_at_once_stand_on_one_base_and_each_is_made_by_itself(living: Living) -> None:
    names = ["web1", *(f"clone{number}" for number in range(40)), "clone7", "Web 2"]

    done = [made async for made in living.clones.clone_each("web1", names)]
    await living.clones.close()

    made = sorted(guest.name for _, guest in done if not isinstance(guest, Exception))
    refused = [error for _, error in done if isinstance(error, Exception)]
    assert made == sorted(f"clone{number}" for number in range(40))
    assert sorted(type(error).__name__ for error in refused) == ["Conflict", "Invalid", "Invalid"]
    assert domains(living.libvirt) == sorted([*made, "web1"])
    assert set(living.libvirt.backings.values()) == {"web1-i1"}
    assert len(living.libvirt.backings) == 41
    assert await living.memory.open_journal() == []


async def test_several_clones_of_nobody_are_refused_as_one(living: Living) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await anext(living.clones.clone_each("nobody", ["web2", "web3"]))


async def test_a_source_that_was_written_to_gets_a_base_of_that(living: Living) -> None:
    await living.clones.clone("web1", "web2")
    living.libvirt.written.add("web1-i2")
    await living.clones.clone("web1", "web3")

    assert living.libvirt.backings["default", "web3-i3"] == "web1-i2"
    assert living.libvirt.backings["default", "web1-i3"] == "web1-i2"
    assert living.libvirt.backings["default", "web2-i2"] == "web1-i1"


async def test_a_full_clone_needs_nothing_else(living: Living) -> None:
    await living.clones.clone("web1", "web2", linked=False)

    assert living.libvirt.backings == {}
    assert living.volumes() == ["web1-i1", "web2-i2"]
    assert (await living.memory.guest("web1")).volume == "web1-i1"


async def test_a_clone_can_be_rebuilt_and_removed_like_any_guest(living: Living) -> None:
    await living.clones.clone("web1", "web2")
    made = await living.guests.rebuild("web2")
    assert (made.install.stage, made.guest.state) == (Stage.BOOTING, "running")
    await living.life.delete("web2")

    assert living.volumes() == ["web1-i1", "web1-i2"]


WRONG: dict[str, tuple[str, str, type[ProvisionerError], str]] = {
    "name": ("web1", "Web 2", Invalid, "guest name 'Web 2' is not usable"),
    "itself": ("web1", "web1", Invalid, "cannot be a clone of itself"),
    "no source": ("nobody", "web2", NotFound, "nobody"),
    "taken": ("web1", "taken", Conflict, "taken is taken by guest taken"),
}


@pytest.mark.parametrize(("source", "name", "error", "words"), WRONG.values(), ids=WRONG)
async def test_a_wrong_request_is_one_sentence_and_leaves_nothing(
    living: Living, source: str, name: str, error: type[ProvisionerError], words: str
) -> None:
    await living.clones.clone("web1", "taken", linked=False)
    before = living.volumes(), domains(living.libvirt)

    with pytest.raises(error, match=words):
        await living.clones.clone(source, name)

    assert (living.volumes(), domains(living.libvirt)) == before


async def test_a_source_that_runs_is_not_cloned(living: Living) -> None:
    await living.guests.start("web1")

    with pytest.raises(Conflict, match="is switched on; only one that is off") as refused:
        await living.clones.clone("web1", "web2")

    assert refused.value.remedy == "provisioner guest shutdown web1"
    assert living.volumes() == ["web1-i1"]


async def test_a_source_that_is_being_installed_is_not_cloned(living: Living) -> None:
    await living.guests.rebuild("web1")
    await living.off()

    with pytest.raises(Conflict, match="is being installed: there is nothing to clone yet"):
        await living.clones.clone("web1", "web2")


async def test_a_source_that_was_started_meanwhile_keeps_its_disk(living: Living) -> None:
    living.libvirt.running_on = ("/var/lib/libvirt/images/web1-i1",)

    with pytest.raises(Conflict, match="is switched on"):
        await living.clones.clone("web1", "web2")

    assert domains(living.libvirt) == ["web1"]
    assert living.volumes() == ["web1-i1", "web1-i2"]
    assert (await living.memory.guest("web1")).volume == "web1-i2"
    with pytest.raises(NotFound):
        await living.memory.guest("web2")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [LinkVolume, DefineDomain])
async def test_a_step_that_fails_leaves_the_source_as_it_was(living: Living, step: type, when: str) -> None:
    living.libvirt.fail[step] = (when, Unavailable("no space"))

    with pytest.raises(Unavailable, match="no space"):
        await living.clones.clone("web1", "web2")

    row = await living.memory.guest("web1")
    assert domains(living.libvirt) == ["web1"]
    assert set(living.volumes()) == {"web1-i1", row.volume}
    assert f"/{row.volume}" in living.libvirt.xmls["web1"]
    assert [guest.spec.name for guest in await living.memory.guests()] == ["web1"]
    await living.clones.close()
    assert await living.memory.open_journal() == []
    living.libvirt.fail.clear()
    await living.clones.clone("web1", "web2")


async def test_a_copy_that_fails_leaves_nothing(living: Living) -> None:
    living.libvirt.fail[CopyVolume] = ("after", Unavailable("no space"))

    with pytest.raises(Unavailable, match="no space"):
        await living.clones.clone("web1", "web2", linked=False)

    assert (living.volumes(), domains(living.libvirt)) == (["web1-i1"], ["web1"])


class Killed(BaseException):
    """The service is killed: nothing more is done, not even the undoing."""


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("after", range(8))
async def test_a_kill_anywhere_is_mended_at_the_next_start(living: Living, after: int, linked: bool) -> None:
    """The store and the host keep what they have; a new service looks at both."""
    left = after

    async def dying(step: Any) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        await FakeHypervisor.apply(living.libvirt, step)

    living.libvirt.apply = dying  # type: ignore[method-assign]
    try:
        await living.clones.clone("web1", "web2", linked=linked)
    except Killed:
        made = False
    else:
        made = True
    del living.libvirt.apply

    guests = living.world.guests()
    living.clones._guests = guests
    told = await living.clones.mend()
    told += await reconcile(living.memory, living.libvirt, guests, living.world.clock)

    row = await living.memory.guest("web1")
    assert domains(living.libvirt) == (["web1", "web2"] if made else ["web1"])
    assert {"web1-i1", row.volume} <= set(living.volumes())
    assert len(living.volumes()) == len({"web1-i1", row.volume}) + made
    assert f"/{row.volume}" in living.libvirt.xmls["web1"]
    assert bool(told) is not made
    await living.clones.close()
    assert await living.memory.open_journal() == []
    assert await living.clones.mend() == []


async def test_a_clone_killed_after_its_last_step_is_kept(living: Living) -> None:
    await living.clones.clone("web1", "web2")
    await living.memory.journal(JournalRow("i2", 0, "clone to web2", "intent"))

    assert await living.clones.mend() == []

    assert domains(living.libvirt) == ["web1", "web2"]
    await living.clones.close()
    assert await living.memory.open_journal() == []


async def test_of_two_clones_with_one_name_one_is_made(living: Living) -> None:
    results = await asyncio.gather(
        *(living.clones.clone("web1", "web2") for _ in range(4)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 3 + ["Guest"]
    assert len(living.volumes()) == 3
    assert domains(living.libvirt) == ["web1", "web2"]


async def test_the_event_tells_where_a_clone_comes_from(living: Living) -> None:
    await living.clones.clone("web1", "web2")

    assert await living.world.kinds("i2") == [Kind.CLONED]
