from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.firmware import Dialect
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.core.profile import Profile, Tree
from provisioner.service.ids import RandomIds
from provisioner.service.installs import Installs
from provisioner.service.machines import Machines
from tests.fakes import TREE, no_staging
from tests.unit.service.world import REQUEST, World

MAC = "52:54:00:99:00:01"


class Staging:
    """Remembers which trees were staged; `fault` is raised instead."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.trees: list[Tree] = []
        self.fault = fault

    async def stage(self, tree: Tree) -> None:
        if self.fault is not None:
            raise self.fault
        self.trees.append(tree)


def machines(world: World, stage: Callable[[Tree], Awaitable[None]] = no_staging) -> Machines:
    return Machines(world.memory, world.tokens(), world.profiles, world.clock, world.ids, stage)


async def test_a_machine_with_a_profile_has_an_install_that_waits(world: World) -> None:
    added = await machines(world).add("rack1", MAC.upper(), profile="tiny")

    assert added == Machine("rack1", MAC, None, guest=False, profile="tiny")
    waiting = await world.memory.install("rack1")
    assert (waiting.stage, waiting.mac, waiting.profile) == (Stage.PLANNED, MAC, "tiny")
    assert await world.kinds() == [Kind.PLANNED]
    tokens = world.tokens()
    assert await tokens.check(tokens.mint(waiting.id, "answer", 1), "answer") == waiting


async def test_an_answer_file_that_fails_its_check_begins_nothing(world: World) -> None:
    await world.memory.put_tree(Tree("mini", "/image/mini", "image"))
    asked: list[tuple[str, str]] = []

    async def check(install: Install, row: None, profile: Profile, tree: Tree) -> tuple[str, ...]:
        asked.append((install.mac, profile.name))
        raise Invalid("line 3: unknown command")

    kept = Machines(world.memory, world.tokens(), world.profiles, world.clock, world.ids, no_staging, check)
    with pytest.raises(Invalid, match="line 3"):
        await kept.add("rack1", MAC, profile="tiny")

    assert asked == [(MAC, "tiny")]
    assert await world.memory.installs() == []


async def test_a_waived_check_is_told_where_the_install_begins(world: World) -> None:
    await world.memory.put_tree(Tree("mini", "/image/mini", "image"))

    async def check(*_: object) -> tuple[str, ...]:
        return ("--no-lint: line 3: unknown command",)

    kept = Machines(world.memory, world.tokens(), world.profiles, world.clock, world.ids, no_staging, check)
    await kept.add("rack1", MAC, profile="tiny")
    (planned,) = await world.memory.events(kinds=[Kind.PLANNED])

    assert planned.text == "rack1 waits for profile tiny; --no-lint: line 3: unknown command"


async def test_a_machine_that_waited_for_days_gets_good_tokens_with_its_script(world: World) -> None:
    await machines(world).add("rack1", MAC, profile="tiny")
    world.clock.pass_(5 * 86400)

    await world.happen(Kind.SCRIPT_SENT)

    tokens = world.tokens()
    assert await tokens.check(tokens.mint("i1", "answer", 1), "answer")


async def test_what_grub_fetches_is_staged_before_the_install_waits(world: World) -> None:
    await world.memory.put_tree(TREE)
    staging = Staging()

    await machines(world, staging.stage).add("rack1", MAC, profile="tiny", loader="grub")

    assert staging.trees == [TREE]
    assert (await world.memory.install("rack1")).loader == "grub"


async def test_a_machine_that_installs_again_may_be_given_another_loader(world: World) -> None:
    await world.memory.put_tree(TREE)
    staging = Staging()

    _, begun = await machines(world, staging.stage).install(MAC, "tiny", loader="pxelinux")

    assert staging.trees == [TREE]
    assert (await world.memory.install(begun.id)).loader == "pxelinux"


async def test_a_machine_is_given_the_loader_that_it_was_given_last(world: World) -> None:
    await world.memory.put_tree(TREE)
    row: tuple[tuple[Dialect | None, Dialect], ...] = (
        (None, "ipxe"),
        ("grub", "grub"),
        (None, "grub"),
        ("ipxe", "ipxe"),
        (None, "ipxe"),
    )
    for asked, given in row:
        _, begun = await machines(world).install(MAC, "tiny", loader=asked)
        await world.memory.record([Event(Kind.CANCELLED, world.clock(), "test", install=begun.id)])

        assert begun.loader == given


# By the firmware that a machine was seen with: the trees that it may install.
SEEN = {
    "": {"x86_64", "aarch64"},
    "uefi": {"x86_64"},
    "bios": {"x86_64"},
    "uefi-arm64": {"aarch64"},
    "s390x": {"x86_64", "aarch64"},
}


@pytest.mark.parametrize("firmware", SEEN)
async def test_a_tree_is_for_the_machine_s_processor(world: World, firmware: str) -> None:
    await world.memory.add_machine(Machine("rack1", MAC, firmware=firmware))
    for arch in ("aarch64", "x86_64"):
        await world.memory.put_tree(replace(TREE, arch=arch))
        if arch in SEEN[firmware]:
            _, begun = await machines(world).install("rack1", "tiny")
            assert begun.arch == arch
            await world.memory.record([Event(Kind.CANCELLED, world.clock(), "test", install=begun.id)])
        else:
            with pytest.raises(Invalid, match=f"tree mini is for {arch}, and rack1 has {firmware} firmware"):
                await machines(world).install("rack1", "tiny")


async def test_a_tree_that_cannot_be_staged_leaves_no_machine(world: World) -> None:
    await world.memory.put_tree(TREE)
    staging = Staging(Unavailable("the tree /srv/mini has no images/pxeboot/vmlinuz"))

    with pytest.raises(Unavailable, match="has no images/pxeboot/vmlinuz"):
        await machines(world, staging.stage).add("rack1", MAC, profile="tiny", loader="grub")

    assert await machines(world).list() == []


async def test_ipxe_needs_nothing_staged(world: World) -> None:
    staging = Staging()

    await machines(world, staging.stage).add("rack1", MAC, profile="tiny")

    assert staging.trees == []
    assert (await world.memory.install("rack1")).loader == "ipxe"


async def test_a_loader_without_a_profile_is_refused(world: World) -> None:
    with pytest.raises(Invalid, match="give a profile as well"):
        await machines(world).add("rack1", MAC, loader="grub")


async def test_a_machine_without_a_profile_has_none(world: World) -> None:
    added = await machines(world).add("rack1", MAC, uuid="4F1B1C1E-0000-4000-8000-525400123456")

    assert added.uuid == "4f1b1c1e-0000-4000-8000-525400123456"
    assert await machines(world).list() == [added]
    assert await world.memory.installs() == []


async def test_what_is_wrong_with_a_machine_is_told_and_nothing_is_kept(world: World) -> None:
    await world.guests().create(REQUEST)
    before = await world.memory.machines()

    with pytest.raises(Invalid, match="machine name 'Rack 1' is not usable"):
        await machines(world).add("Rack 1", MAC)
    with pytest.raises(Invalid, match="is not a MAC address"):
        await machines(world).add("rack1", "52:54")
    with pytest.raises(NotFound, match="no profile is called 'none'"):
        await machines(world).add("rack1", MAC, profile="none")
    with pytest.raises(Conflict):
        await machines(world).add("rack1", before[0].mac)

    assert await world.memory.machines() == before


async def test_remove_ends_the_install_and_keeps_it_readable(world: World) -> None:
    await machines(world).add("rack1", MAC, profile="tiny")

    await machines(world).remove("rack1")

    assert (await world.memory.install("rack1")).stage is Stage.CANCELLED
    assert await machines(world).list() == []
    with pytest.raises(NotFound, match="'rack1'"):
        await machines(world).remove("rack1")


async def test_a_guest_is_not_removed_as_a_machine(world: World) -> None:
    await world.guests().create(REQUEST)

    with pytest.raises(Conflict, match="web1 is a guest") as caught:
        await machines(world).remove("web1")

    assert caught.value.remedy == "provisioner guest delete web1"


async def test_an_install_of_an_unknown_address_registers_a_machine(world: World) -> None:
    machine, install = await machines(world).install("52-54-00-99-00-01", "tiny")

    assert machine == Machine("machine-525400990001", MAC, profile="tiny")
    assert (install.stage, install.guest, install.profile) == (Stage.PLANNED, machine.name, "tiny")
    assert await machines(world).show(MAC) == (machine, install)
    assert await machines(world).show(machine.name) == (machine, install)
    tokens = world.tokens()
    assert await tokens.check(tokens.mint(install.id, "answer", 1), "answer") == install
    assert await world.kinds() == [Kind.PLANNED]


async def test_an_install_runs_once_and_again_when_it_is_over(world: World) -> None:
    _, first = await machines(world).install(MAC, "tiny", "rack1")
    with pytest.raises(Conflict, match="install i1 of rack1 is planned") as caught:
        await machines(world).install("rack1", "tiny")
    assert "provisioner install cancel i1" in caught.value.remedy

    await world.happen(Kind.SCRIPT_SENT)
    await world.memory.bind("i1", "192.0.2.7")
    await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.FIRST_BOOT)
    machine, second = await machines(world).install("rack1", "tiny")

    assert (machine.name, second.id, second.stage, second.address) == ("rack1", "i2", Stage.PLANNED, "")
    assert (await world.memory.install("rack1")).id == second.id
    assert (await world.memory.install(first.id)).stage is Stage.INSTALLED


async def test_a_machine_that_was_added_before_is_installed_and_may_be_named(world: World) -> None:
    await machines(world).add("rack1", MAC)

    machine, _ = await machines(world).install(MAC, "tiny", "rack7")

    assert machine == Machine("rack7", MAC, profile="tiny")
    assert await machines(world).list() == [machine]


async def test_what_stands_against_an_install_on_a_machine(world: World) -> None:
    await world.guests().create(REQUEST)
    guest = (await world.memory.machines())[0]
    await machines(world).add("rack1", "52:54:00:99:00:02")
    cases = {
        ("web1", "tiny", ""): (Conflict, "web1 is a guest"),
        (guest.mac, "tiny", ""): (Conflict, "web1 is a guest"),
        ("nobody", "tiny", ""): (NotFound, "no machine is called 'nobody' or has that MAC address"),
        (MAC, "none", ""): (NotFound, "no profile is called 'none'"),
        (MAC, "tiny", "Rack 1"): (Invalid, "machine name 'Rack 1' is not usable"),
        (MAC, "tiny", "web1"): (Conflict, "web1"),
        ("rack1", "tiny", "web1"): (Conflict, "web1"),
    }
    before = await world.memory.machines(), await world.memory.installs()

    for words, (kind, says) in cases.items():
        with pytest.raises(kind, match=says) as caught:
            await machines(world).install(*words)
        if "is a guest" in says:
            assert caught.value.remedy == "provisioner guest rebuild web1"

    assert (await world.memory.machines(), await world.memory.installs()) == before


async def test_a_machine_whose_installs_bear_its_name_keeps_it(world: World) -> None:
    await machines(world).install(MAC, "tiny", "rack1")
    await world.happen(Kind.FAILED)

    with pytest.raises(Conflict, match="rack1 cannot be called rack2: its installs bear its name"):
        await machines(world).install("rack1", "tiny", "rack2")
    assert (await machines(world).install("rack1", "tiny", "rack1"))[1].id == "i2"


async def test_a_name_that_looks_like_an_address_is_a_name(world: World) -> None:
    await machines(world).add("525400990001", "52:54:00:99:00:02")

    machine, _ = await machines(world).show("525400990001")

    assert machine.mac == "52:54:00:99:00:02"


async def test_hardware_is_not_told_to_be_rebuilt_as_a_guest(world: World) -> None:
    await machines(world).install(MAC, "tiny", "rack1")
    await world.happen(Kind.DHCP_QUESTION, Kind.TREE_FAILED, text="no boot script: no tree is called 'mini'")

    why = await Installs(world.memory, lambda uri: world.libvirt, world.clock).why("rack1")

    assert why.remedy.endswith("then: provisioner machine install rack1 --profile tiny")


def test_ids_do_not_repeat() -> None:
    ids = RandomIds()

    assert len({ids.install() for _ in range(1000)}) == 1000
    assert ids.mac().startswith("52:54:00:")
    assert len(ids.uuid()) == 36
