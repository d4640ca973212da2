"""Who gets which boot script, and that the door of the scripts says what the other doors say."""

from dataclasses import replace

import pytest

from provisioner.boot.client import Ignore
from provisioner.boot.decide import OTHER_TREE
from provisioner.core.errors import NotFound
from provisioner.core.install import Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.service.booting import Booting
from tests.fakes import START
from tests.unit.service.world import World

ROOT = "http://192.168.122.1:8080"
GUEST, METAL = "52:54:00:00:00:01", "52:54:00:00:00:02"
UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
KERNEL, INITRD = f"{ROOT}/tree/t/vmlinuz", f"{ROOT}/tree/t/initrd.img"
HERE, THERE = "192.168.122.50", "192.168.122.60"
LOADERS = {"snponly.efi": b"efi"}


async def arguments(install: Install, root: str) -> tuple[str, str, str]:
    return KERNEL, INITRD, f"inst.ks={root}/answer/secret-of-{install.id}/ks.cfg"


async def no_tree(install: Install, root: str) -> tuple[str, str, str]:
    raise NotFound("there is no tree 'mini'")


async def prepared(world: World, args=arguments) -> Booting:  # type: ignore[no-untyped-def]
    """A guest of ours and a machine of others, each with an install that runs."""
    for name, mac, uuid, guest in (("web1", GUEST, UUID, True), ("metal", METAL, "", False)):
        await world.memory.add_machine(Machine(name, mac, uuid or None, guest=guest))
        install = Install(f"i-{name}", name, mac, uuid, "tiny", Stage.BOOTING, START, START, arch="x86_64")
        await world.memory.add_install(install, None)
        await world.tokens().issue(install)
    neighbours = {HERE: GUEST, THERE: "52:54:00:00:00:99"}
    return Booting(world.memory, world.tokens(), world.clock, args, loaders=LOADERS, neighbour=neighbours.get)


def stub_token(world: World) -> str:
    return world.tokens().mint("i-web1", "stub", 1)


def gets_kernel(text: str) -> bool:
    return f"kernel --name kernel {KERNEL} " in text


async def test_a_guests_token_unlocks_its_script_and_binds_its_address(world: World) -> None:
    booting = await prepared(world)

    text = await booting.machine_script(ROOT, stub_token(world), GUEST, UUID, HERE)

    assert gets_kernel(text)
    assert "secret-of-i-web1" in text
    assert await world.kinds("i-web1") == [Kind.SCRIPT_SENT]
    install = await world.memory.install("i-web1")
    assert (install.stage, install.address) == (Stage.LOADING, HERE)


@pytest.mark.parametrize("token", ["none", "", "x" * 43, "../../etc/passwd", "a" * 5000])
async def test_a_guests_mac_alone_unlocks_nothing(world: World, token: str) -> None:
    booting = await prepared(world)

    text = await booting.machine_script(ROOT, token, GUEST, UUID, HERE)

    assert not gets_kernel(text)
    assert "secret" not in text
    assert "did not come with the question" in text
    assert await world.kinds("i-web1") == [Kind.ANSWER_REFUSED]


@pytest.mark.parametrize("kind", ["answer", "report"])
async def test_another_kind_of_token_unlocks_nothing(world: World, kind: str) -> None:
    booting = await prepared(world)
    token = world.tokens().mint("i-web1", kind, 1)  # type: ignore[arg-type]

    assert not gets_kernel(await booting.machine_script(ROOT, token, GUEST, UUID, HERE))


async def test_a_machine_of_others_is_bound_to_its_first_address_and_a_second_is_alarmed(
    world: World,
) -> None:
    booting = await prepared(world)

    for _ in range(3):
        assert gets_kernel(await booting.machine_script(ROOT, "none", METAL, "", HERE))
    for _ in range(3):
        assert not gets_kernel(await booting.machine_script(ROOT, "none", METAL, "", THERE))
    assert gets_kernel(await booting.machine_script(ROOT, "none", METAL.upper(), "rubbish", HERE))

    kinds = await world.kinds("i-metal")
    assert kinds.count(Kind.ALARM) == 1
    assert kinds.count(Kind.SCRIPT_SENT) == 4


@pytest.mark.parametrize("build", ["i386", "x86_64", "", "toaster", "${buildarch}"])
async def test_an_ipxe_of_the_tree_s_processor_gets_its_script(world: World, build: str) -> None:
    booting = await prepared(world)

    assert gets_kernel(await booting.machine_script(ROOT, stub_token(world), GUEST, UUID, HERE, build))


@pytest.mark.parametrize("mac", [GUEST, METAL])
async def test_an_ipxe_of_another_processor_is_told_so(world: World, mac: str) -> None:
    booting = await prepared(world)
    token = stub_token(world) if mac == GUEST else "none"
    reason = "its install is for x86_64, and an iPXE for arm64 starts kernels of aarch64 alone"

    text = await booting.machine_script(ROOT, token, mac, "", HERE, "arm64")

    assert not gets_kernel(text)
    assert f"no script for this machine: {reason}\n" in text
    (told,) = await world.memory.events(install="i-web1" if mac == GUEST else "i-metal")
    assert (told.kind, told.text) == (Kind.ANSWER_REFUSED, f"boot script refused: {reason}")
    assert told.data["remedy"] == OTHER_TREE


async def test_a_stranger_is_told_so(world: World) -> None:
    booting = await prepared(world)

    for mac in ("52:54:00:00:00:09", "not a mac", "", "01:00:5e:00:00:01"):
        text = await booting.machine_script(ROOT, "none", mac, "", THERE)
        assert "no machine here has the MAC address" in text


ENDS = {
    "answer served": [Kind.ANSWER_SERVED],
    "succeeded": [Kind.ANSWER_SERVED, Kind.SUCCEEDED],
    "installed": [Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED],
    "failed": [Kind.FAILED],
    "cancelled": [Kind.CANCELLED],
}


@pytest.mark.parametrize("happened", ENDS.values(), ids=ENDS)
async def test_once_served_or_over_every_question_is_answered_boot_your_disk(
    world: World, happened: list[Kind]
) -> None:
    booting = await prepared(world)
    await world.happen(*happened, install="i-web1")
    await world.happen(*happened, install="i-metal")

    for token, mac in ((stub_token(world), GUEST), ("none", GUEST), ("none", METAL)):
        text = await booting.machine_script(ROOT, token, mac, "", HERE)
        assert "echo provisioner: boot your disk: " in text
        assert not gets_kernel(text)
        assert "secret" not in text
    assert isinstance(await booting.loader("snponly.efi", HERE, ROOT), Ignore)
    assert Kind.LOCAL_BOOT in await world.kinds("i-web1")


async def test_a_machine_without_an_install_boots_its_disk(world: World) -> None:
    booting = await prepared(world)
    await world.memory.add_machine(Machine("idle", "52:54:00:00:00:05"))

    text = await booting.machine_script(ROOT, "none", "52:54:00:00:00:05", "", HERE)

    assert "boot your disk: no install is asked for" in text


async def test_a_machine_is_found_by_its_uuid_where_its_mac_is_another(world: World) -> None:
    booting = await prepared(world)

    text = await booting.machine_script(ROOT, "none", "52:54:00:00:00:77", UUID, HERE)

    assert "did not come with the question" in text


async def test_a_tree_that_is_gone_is_said_to_the_machine_and_to_the_timeline(world: World) -> None:
    booting = await prepared(world, no_tree)

    text = await booting.machine_script(ROOT, stub_token(world), GUEST, UUID, HERE)

    assert "there is no tree 'mini'" in text
    (event,) = await world.memory.events(install="i-web1")
    assert (event.kind, event.text) == (Kind.TREE_FAILED, "no boot script: there is no tree 'mini'")


async def test_loaders_by_http_follow_the_same_verdict(world: World) -> None:
    booting = await prepared(world)

    assert await booting.loader("snponly.efi", HERE, ROOT) == b"efi"
    assert await booting.loader("//snponly.efi", "10.0.0.1", ROOT) == b"efi", "an address without a machine"
    assert await booting.loader("../snponly.efi", HERE, ROOT) is None
    refused = await booting.loader("snponly.efi", THERE, ROOT)
    assert isinstance(refused, Ignore)
    assert "no guest or machine of ours" in refused.reason


async def test_the_public_stub_knows_nobody(world: World) -> None:
    booting = await prepared(world)

    assert booting.stub(ROOT).startswith("#!ipxe\n")
    assert "secret" not in booting.stub(ROOT)


async def test_refusals_do_not_fill_the_timeline(world: World) -> None:
    booting = await prepared(world)
    for _ in range(100):
        await booting.machine_script(ROOT, "none", GUEST, "", HERE)
        await booting.machine_script(ROOT, "none", "52:54:00:00:00:09", "", THERE)

    assert len(await world.memory.events()) == 2


async def test_a_rebuild_makes_the_old_token_useless(world: World) -> None:
    booting = await prepared(world)
    old = stub_token(world)
    await world.happen(Kind.CANCELLED, install="i-web1")
    again = replace(await world.memory.install("i-metal"), id="i-new", guest="web1", mac=GUEST, generation=2)
    await world.memory.add_install(again, None)
    await world.tokens().issue(again)

    assert not gets_kernel(await booting.machine_script(ROOT, old, GUEST, UUID, HERE))
    new = world.tokens().mint("i-new", "stub", 2)
    assert gets_kernel(await booting.machine_script(ROOT, new, GUEST, UUID, HERE))
