"""The real apt, dnf, curl and wget through the mirror: fetched once, from there afterwards, in parts."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.edges.web import repositories
from tests.edges.web.mirrored import TREE, Mirrored, mirrored
from tests.edges.web.repositories import LIBRARY, PROGRAM, AptRepository, apt_repository, dnf_repository, run

BODY = os.urandom(1_000_000)


def need(*tools: str) -> None:
    if missing := repositories.missing(*tools):
        pytest.skip(f"missing on this machine: {missing} (make setup)")


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[AptRepository]:
    need("apt-get", "apt-ftparchive", "dpkg-deb", "gpg")
    with apt_repository(tmp_path / "debian") as made:
        yield made


@pytest.fixture
async def debian(tmp_path: Path, empty_database: Path, packages: AptRepository) -> AsyncIterator[Mirrored]:
    key = packages.key.read_text()
    async with mirrored(tmp_path, empty_database, tree=packages.folder, verified=True, key=key) as made:
        yield made


def address(mirror: Mirrored) -> str:
    return f"{mirror.world.guest_root}/tree/{TREE}"


async def test_apt_installs_through_the_mirror_and_once_more_without_its_upstream(
    debian: Mirrored, packages: AptRepository, tmp_path: Path
) -> None:
    for number in range(3):
        if number == 2:
            await debian.origin.stop()
        system = packages.root(tmp_path / f"system{number}", address(debian))
        await asyncio.to_thread(system.apt, "update")
        told = await asyncio.to_thread(system.apt, "install", PROGRAM)
        assert f"Setting up {PROGRAM}" in told
        assert [system.payload(name) for name in (PROGRAM, LIBRARY)] == [packages.payload] * 2
        await debian.at_rest()
    pool = [asked.path for asked in debian.origin.asked if asked.path.startswith("/pool/")]
    assert sorted(pool) == [f"/pool/main/{LIBRARY}_1_all.deb", f"/pool/main/{PROGRAM}_1_all.deb"]
    assert {name for name in debian.kept() if name.startswith("pool/")} == {path[1:] for path in pool}


async def test_apt_refuses_what_the_upstream_spoiled_and_the_mirror_keeps_none_of_it(
    debian: Mirrored, packages: AptRepository, tmp_path: Path
) -> None:
    system = packages.root(tmp_path / "system", address(debian))
    await asyncio.to_thread(system.apt, "update")
    path = f"pool/main/{LIBRARY}_1_all.deb"
    body = (packages.folder / path).read_bytes()
    (packages.folder / path).write_bytes(body[:-1000] + bytes(1000))
    with pytest.raises(AssertionError, match="Failed to fetch"):
        await asyncio.to_thread(system.apt, "install", PROGRAM)
    await debian.at_rest()
    assert path not in debian.kept()
    (packages.folder / path).write_bytes(body)
    await asyncio.to_thread(system.apt, "install", PROGRAM)
    assert system.payload(LIBRARY) == packages.payload
    kept = debian.kept()[path]
    assert kept.by and kept.signed


async def test_mmdebstrap_makes_a_system_through_the_mirror_and_once_more_without_its_upstream(
    debian: Mirrored, packages: AptRepository, tmp_path: Path
) -> None:
    need("mmdebstrap")
    if os.geteuid() != 0:
        pytest.skip("mmdebstrap unpacks as root")
    for number in range(2):
        root = tmp_path / f"root{number}"
        line = f"deb [signed-by={packages.key}] {address(debian)} stable main"
        words = ("--quiet", "--mode=root", "--variant=extract", f"--include={PROGRAM}", "stable", root, line)
        await asyncio.to_thread(run, "mmdebstrap", *words)
        assert (root / "usr/share" / PROGRAM).read_bytes() == packages.payload
        await debian.at_rest()
        await debian.origin.stop()


async def test_dnf_installs_through_the_mirror_and_once_more_without_its_upstream(
    tmp_path: Path, empty_database: Path
) -> None:
    need("dnf", "rpmbuild", "createrepo_c")
    if os.geteuid() != 0:
        pytest.skip("dnf installs as root")
    repository = dnf_repository(tmp_path / "upstream")
    async with mirrored(tmp_path, empty_database, tree=repository.folder, verified=True) as mirror:
        for number in range(3):
            if number == 2:
                await mirror.origin.stop()
            root = tmp_path / f"system{number}"
            await asyncio.to_thread(repository.dnf, root, address(mirror), "install", PROGRAM)
            assert [repository.installed(root, name) for name in (PROGRAM, LIBRARY)] == [
                repository.payload
            ] * 2
            await mirror.at_rest()
        packages = [asked.path for asked in mirror.origin.asked if asked.path.endswith(".rpm")]
        assert len(packages) == len(set(packages)) == 2


@pytest.fixture
async def one(tmp_path: Path, empty_database: Path) -> AsyncIterator[Mirrored]:
    """A tree of one file, a megabyte."""
    (tmp_path / "upstream").mkdir()
    (tmp_path / "upstream/a.iso").write_bytes(BODY)
    async with mirrored(tmp_path, empty_database, tree=tmp_path / "upstream") as made:
        yield made


RANGES = {
    "1000-1999": BODY[1000:2000],
    "0-0": BODY[:1],
    "-500": BODY[-500:],
    "999999-": BODY[-1:],
    "500000-2000000": BODY[500_000:],
}


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_curl_gets_parts(one: Mirrored, warm: bool, tmp_path: Path) -> None:
    need("curl")
    url, file = f"{address(one)}/a.iso", tmp_path / "part"
    if warm:
        await one.take("a.iso")
        await one.at_rest()
    for part, body in RANGES.items():
        told = await asyncio.to_thread(run, "curl", "-sS", "-r", part, "-o", file, "-w", "%{http_code}", url)
        assert (told.stdout, file.read_bytes()) == ("206", body), part
    told = await asyncio.to_thread(
        run, "curl", "-sS", "-r", "1000000-", "-o", file, "-w", "%{http_code}", url
    )
    assert told.stdout == "416"
    several = await asyncio.to_thread(
        run, "curl", "-sS", "-r", "0-9,20-29", "-o", file, "-w", "%{http_code}", url
    )
    assert several.stdout in ("200", "206")
    await one.at_rest()
    assert set(one.kept()) <= {"a.iso"}


async def test_wget_goes_on_with_what_it_has(one: Mirrored, tmp_path: Path) -> None:
    need("wget")
    file = tmp_path / "a.iso"
    for have in (0, 400_000, len(BODY)):
        file.write_bytes(BODY[:have])
        await asyncio.to_thread(run, "wget", "-q", "-c", "-O", file, f"{address(one)}/a.iso")
        assert file.read_bytes() == BODY


async def test_wget_takes_the_times_and_asks_whether_it_is_newer(one: Mirrored, tmp_path: Path) -> None:
    need("wget")
    for _ in range(2):
        await asyncio.to_thread(run, "wget", "-q", "-N", f"{address(one)}/a.iso", cwd=tmp_path)
        assert (tmp_path / "a.iso").read_bytes() == BODY
    assert one.origin.count("/a.iso") == 1
