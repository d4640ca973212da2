"""Repositories that the distributions' own programs made."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.edges.mirror.vouched import Mirror, mirror


@pytest.fixture
async def site(tmp_path: Path, client: ClientSession) -> AsyncIterator[Mirror]:
    async with mirror(tmp_path, client) as made:
        yield made


def _need(*programs: str) -> None:
    if missing := [name for name in programs if not shutil.which(name)]:
        pytest.skip(f"missing: {', '.join(missing)}")


def _run(argv: list[str], folder: Path, into: Path | None = None) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, check=True)
    if into is not None:
        into.write_bytes(done.stdout)


async def test_apt_ftparchive(site: Mirror) -> None:
    _need("apt-ftparchive", "dpkg-deb")
    control = "Package: hello\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n"
    site.change("pack/DEBIAN/control", control.encode())
    pool, suite = site.folder / "pool/main/h", site.folder / "dists/stable"
    listed = suite / "main/binary-amd64"
    for folder in (pool, listed):
        folder.mkdir(parents=True)
    _run(["dpkg-deb", "--build", "pack", str(pool / "hello_1_all.deb")], site.folder)
    _run(["apt-ftparchive", "packages", "pool"], site.folder, listed / "Packages")
    _run(["gzip", "-k", "Packages"], listed)
    _run(["apt-ftparchive", "release", "."], suite, site.folder / "Release")
    (site.folder / "Release").rename(suite / "Release")

    assert await site.get("dists/stable/Release")
    assert await site.get("dists/stable/main/binary-amd64/Packages.gz")
    known = await site.known("pool/main/h/hello_1_all.deb")
    assert known.by == "dists/stable/main/binary-amd64/Packages.gz"


async def test_createrepo_c(site: Mirror) -> None:
    """Without packages: what the lists of one hold is told by others."""
    _need("createrepo_c")
    site.change("x", b"")
    _run(["createrepo_c", "-q", "."], site.folder)
    (primary,) = (site.folder / "repodata").glob("*-primary.xml.gz")

    assert await site.get("repodata/repomd.xml")
    assert (await site.known(f"repodata/{primary.name}")).by == "repodata/repomd.xml"
    assert await site.get("a.rpm") is None
    assert site.states.told(site.source) == [
        "repodata/repomd.xml is not signed for sure: there is no signature beside it"
    ]
