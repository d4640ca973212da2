"""The real apt and dnf through a mirror that verifies: what is spoiled never ends well."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from provisioner.mirror.client import session
from provisioner.mirror.origins import Origins
from provisioner.mirror.states import States
from provisioner.mirror.upstream import Upstream
from tests.edges.web.mirrored import TREE, Mirrored, mirrored
from tests.edges.web.repositories import LIBRARY, PROGRAM, apt_repository, dnf_repository, missing

DEB = f"pool/main/{LIBRARY}_1_all.deb"


@asynccontextmanager
async def verified(mirror: Mirrored, key: str = "") -> AsyncIterator[States]:
    """What the tree's own metadata says is what its files must be."""
    async with session() as client:
        upstream = Origins(Upstream(client).open)
        states = States(mirror.objects, upstream.open, mirror.cache.fetch, keys=lambda _: key, shipped=())
        mirror.cache.vouching, mirror.cache.doubt = states, states.doubt
        try:
            yield states
        finally:
            await states.close()


def address(mirror: Mirrored) -> str:
    return f"{mirror.world.guest_root}/tree/{TREE}"


def need(*tools: str) -> None:
    if lacking := missing(*tools):
        pytest.skip(f"missing on this machine: {lacking} (make setup)")


async def test_apt(tmp_path: Path, empty_database: Path) -> None:
    need("apt-get", "apt-ftparchive", "dpkg-deb", "gpg", "gpgv")
    with apt_repository(tmp_path / "debian") as packages:
        key = packages.key.read_text()
        async with (
            mirrored(tmp_path, empty_database, tree=packages.folder) as mirror,
            verified(mirror, key) as states,
        ):
            for number in range(3):
                if number == 2:
                    await mirror.origin.stop()
                system = packages.root(tmp_path / f"system{number}", address(mirror))
                await asyncio.to_thread(system.apt, "update")
                await asyncio.to_thread(system.apt, "install", PROGRAM)
                await mirror.at_rest()
            kept = mirror.kept()
            assert {known.by != "" for known in kept.values()} == {True}
            assert len({known.signed for known in kept.values()}) == 1
            assert kept[DEB].by.startswith("dists/stable/main/binary-amd64/Packages")
            assert states.told(mirror.origin.url) == []
            assert all(mirror.origin.count(f"/{path}") == 1 for path in kept)


async def test_apt_gets_nothing_spoiled(tmp_path: Path, empty_database: Path) -> None:
    need("apt-get", "apt-ftparchive", "dpkg-deb", "gpg", "gpgv")
    with apt_repository(tmp_path / "debian") as packages:
        place = packages.folder / DEB
        place.write_bytes(place.read_bytes()[:-1000] + bytes(1000))
        async with (
            mirrored(tmp_path, empty_database, tree=packages.folder) as mirror,
            verified(mirror, packages.key.read_text()),
        ):
            system = packages.root(tmp_path / "system", address(mirror))
            await asyncio.to_thread(system.apt, "update")
            taken = await mirror.take(DEB)
            assert not taken.whole
            with pytest.raises(AssertionError, match="Failed to fetch"):
                await asyncio.to_thread(system.apt, "install", PROGRAM)
            await mirror.at_rest()
            assert DEB not in mirror.kept()


async def test_dnf(tmp_path: Path, empty_database: Path) -> None:
    need("dnf", "rpmbuild", "createrepo_c")
    if os.geteuid() != 0:
        pytest.skip("dnf installs as root")
    repository = dnf_repository(tmp_path / "upstream")
    async with mirrored(tmp_path, empty_database, tree=repository.folder) as mirror, verified(mirror):
        for number in range(2):
            root = tmp_path / f"system{number}"
            await asyncio.to_thread(repository.dnf, root, address(mirror), "install", PROGRAM)
            await mirror.at_rest()
            await mirror.origin.stop()
        by = {path: known.by for path, known in mirror.kept().items() if path != "repodata/repomd.xml"}
        assert [name for name in by.values() if not name.startswith("repodata/")] == []
        assert sum(path.endswith(".rpm") for path in by) == 2
