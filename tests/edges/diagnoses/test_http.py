"""What goes wrong at the guests' port: real requests at a real service, and how the install is explained."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.core.install import Install, Kind
from provisioner.core.profile import Tree
from provisioner.service.installs import whole_timeline
from provisioner.service.ports import Token
from provisioner.service.tokens import digest
from provisioner.service.why import Why, explain
from tests.edges.web.conftest import empty_database
from tests.edges.web.mirrored import mirrored
from tests.edges.web.world import World, now
from tests.proofs import proves

__all__ = ["empty_database"]


@pytest.fixture
async def world(tmp_path: Path, empty_database: Path) -> AsyncIterator[World]:
    async with World(tmp_path, empty_database) as made:
        yield made


async def offered(world: World) -> Install:
    """An install whose machine was offered its boot file and speaks from the loopback."""
    install = await world.install()
    await world.store.bind(install.id, "127.0.0.1")
    for kind in (Kind.DHCP_QUESTION, Kind.DHCP_OFFER):
        await world.event(kind, install.id)
    return install


async def why(world: World, install: Install) -> Why:
    now_it_is = await world.store.install(install.id)
    return explain(now_it_is, await whole_timeline(world.store, now_it_is))


@proves("script-refused")
async def test_a_boot_script_with_another_install_s_token(world: World) -> None:
    install = await offered(world)
    old = world.token(replace(install, generation=7), "stub")

    await world.get(f"/boot/script/{old}?mac={install.mac}&uuid={install.uuid}")

    found = await why(world, install)
    assert found.diagnosis == "script-refused"
    assert "serial number was changed" in found.remedy


@proves("answer-refused")
async def test_an_answer_file_that_is_asked_for_too_late(world: World) -> None:
    install = await offered(world)
    stub, answer = world.token(install, "stub"), world.token(install, "answer")
    await world.get(f"/boot/script/{stub}?mac={install.mac}&uuid={install.uuid}")
    await world.store.put_token(digest(answer), Token(install.id, "answer", now() - timedelta(seconds=1)))

    assert (await world.get(f"/answer/{answer}/ks.cfg"))[0] == 404

    found = await why(world, install)
    assert found.diagnosis == "answer-refused"
    assert "expired" in found.cause


@proves("loader-missing")
async def test_a_loader_that_nobody_installed(world: World) -> None:
    install = await offered(world)

    assert (await world.get("/boot/snponly-of-nobody.efi"))[0] == 404

    found = await why(world, install)
    assert found.diagnosis == "loader-missing"
    assert "provisioner doctor names it" in found.remedy


@proves("tree-unreachable")
async def test_a_tree_whose_server_is_away(tmp_path: Path, empty_database: Path) -> None:
    async with mirrored(tmp_path, empty_database, silent=2) as mirror:
        install = await offered(mirror.world)
        await mirror.origin.stop()

        assert (await mirror.take("vmlinuz")).status == 502

        found = await why(mirror.world, install)
        assert found.diagnosis == "tree-unreachable"
        assert mirror.origin.url in found.cause


@proves("tree-spoilt")
async def test_a_kernel_that_is_not_what_its_tree_says(tmp_path: Path, empty_database: Path) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "vmlinuz").write_bytes(b"spoilt" * 1000)
    async with mirrored(tmp_path, empty_database, tree=folder, silent=2) as mirror:
        mirror.truth.files["vmlinuz"] = b"honest" * 1000
        install = await offered(mirror.world)

        assert (await mirror.take("vmlinuz")).status == 502

        found = await why(mirror.world, install)
        assert found.diagnosis == "tree-spoilt"
        assert f"{mirror.origin.url}/vmlinuz is wrong: its sha256 is " in found.cause
        assert "half-synced or damaged" in found.remedy


STOPS = {
    # what the machine did before it fell silent: the diagnosis
    "after its script": (("script",), "no-kernel"),
    "after its kernel": (("script", "kernel"), "no-answer-file"),
    "after its answer file": (("script", "kernel", "answer"), "silence"),
    "after its report": (("script", "kernel", "answer", "report"), "no-reboot"),
}


@proves("no-kernel", "no-answer-file", "silence", "no-reboot")
@pytest.mark.parametrize(("did", "name"), STOPS.values(), ids=STOPS)
async def test_a_machine_that_falls_silent(
    world: World, tmp_path: Path, did: tuple[str, ...], name: str
) -> None:
    """Real requests as far as it came; what it does not ask for any more is what is missing."""
    for file in ("vmlinuz", "initrd"):
        (tmp_path / file).write_bytes(b"kernel" * 1000)
    await world.store.put_tree(Tree("t", str(tmp_path), "rhel", "7", "vmlinuz", "initrd"))
    install = await offered(world)
    stub, answer, report = (world.token(install, kind) for kind in ("stub", "answer", "report"))
    paths = {
        "script": [f"/boot/script/{stub}?mac={install.mac}&uuid={install.uuid}"],
        "kernel": ["/tree/t/vmlinuz", "/tree/t/initrd"],
        "answer": [f"/answer/{answer}/ks.cfg"],
    }
    for step in did:
        for path in paths.get(step, ()):
            assert (await world.get(path))[0] == 200
        if step == "report":
            assert (await world.get(f"/report/{report}/success", method="POST"))[0] in (200, 204)
    if "kernel" in did:
        await world.until(Kind.INITRD_SENT)
    if "answer" in did:
        await world.until(Kind.ANSWER_SERVED)

    assert (await why(world, install)).diagnosis == name


@proves("failure-reported")
async def test_an_installer_that_reports_its_failure(world: World) -> None:
    install = await offered(world)
    answer, report = (world.token(install, kind) for kind in ("answer", "report"))
    await world.get(f"/answer/{answer}/ks.cfg")

    await world.get(f"/report/{report}/failure", method="POST", data=b"something of its own")

    found = await why(world, install)
    assert (found.diagnosis, found.stage) == ("failure-reported", "failed")
    assert found.cause.startswith("the installer gave up: something of its own")
