"""Several guests installed anew: what each would lose, and how many of them install at a time."""

import asyncio
from dataclasses import replace

import pytest

from provisioner.core.errors import NotFound
from provisioner.core.install import Kind, Stage
from provisioner.service import over as module
from provisioner.service.rebuilds import Loss, Rebuilds
from provisioner.service.requests import Rebuild
from tests.unit.service.test_guest_life import Living, new_living
from tests.unit.service.world import REQUEST


@pytest.fixture
async def living() -> Living:
    return await new_living()


def rebuilds(living: Living) -> Rebuilds:
    return Rebuilds(living.memory, living.libvirt, living.guests, living.life)


async def losses(living: Living, *names: str, wish: Rebuild | None = None) -> dict[str, Loss | Exception]:
    return dict([seen async for seen in rebuilds(living).look_each(names, wish or Rebuild())])


async def test_what_a_rebuild_would_take_is_told_and_nothing_is_changed(living: Living) -> None:
    await living.guests.create(replace(REQUEST, name="web2", boot="uefi", disks=("size=4", "size=1")))
    before = list(living.libvirt.applied)

    found = await losses(living, "web1", "web2", "nobody")

    one, two = found["web1"], found["web2"]
    assert isinstance(one, Loss) and isinstance(two, Loss) and isinstance(found["nobody"], NotFound)
    assert ([v.name for v in one.gone], [v.name for v in one.kept], one.nvram) == (["web1-i1"], [], False)
    assert ([v.name for v in two.gone], [v.name for v in two.kept], two.nvram) == (
        ["web2-i2"],
        ["web2-i2-2"],
        True,
    )
    assert (one.in_use, one.guest.install and one.guest.install.stage) == (True, Stage.INSTALLED)
    kept = (await losses(living, "web2", wish=Rebuild(wipe="none")))["web2"]
    assert isinstance(kept, Loss) and not kept.gone
    assert living.libvirt.applied == before
    assert (await living.memory.install("web2")).id == "i2"


async def test_a_guest_whose_install_failed_and_that_is_off_is_not_in_use(living: Living) -> None:
    await living.guests.create(replace(REQUEST, name="web2"))
    await living.world.happen(Kind.FAILED, install="i2")
    still_on = (await losses(living, "web2"))["web2"]
    await living.off("web2")
    off = (await losses(living, "web2"))["web2"]

    assert isinstance(still_on, Loss) and isinstance(off, Loss)
    assert (still_on.in_use, off.in_use) == (True, False)


async def test_so_many_install_at_a_time_and_no_more(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)
    for name in ("web2", "web3"):
        await living.guests.create(replace(REQUEST, name=name))
    begun: list[str] = []
    async for name, made in rebuilds(living).rebuild_each(["web1", "web2", "web3"], at_once=1):
        assert not isinstance(made, Exception)
        begun.append(name)
        running = [i for i in await living.memory.installs(active=True) if i.guest in begun]
        assert [install.id for install in running] == [made.install.id]
        await asyncio.sleep(0.01)
        assert not [i for i in await living.memory.installs(active=True) if i.id > made.install.id]
        await living.world.happen(Kind.FAILED, install=made.install.id)

    assert begun == ["web1", "web2", "web3"]


async def test_what_stands_against_one_holds_up_no_other(living: Living) -> None:
    done = dict([made async for made in rebuilds(living).rebuild_each(["nobody", "web1"])])

    assert isinstance(done["nobody"], NotFound)
    assert not isinstance(done["web1"], Exception)
