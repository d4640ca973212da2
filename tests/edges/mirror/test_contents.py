"""What a tree is by its own metadata: lists for a sync, read through whatever opens a tree's files."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.core.profile import Tree
from provisioner.mirror.contents import Contents
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.repositories import centos_tree, debian_repository, put
from tests.unit.mirror.signing import Signer


@pytest.fixture
async def contents() -> Contents:
    client = ClientSession()
    await client.close()  # trees of this test are folders
    return Contents(Upstream(client).open)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "gpg")


async def test_a_tree_of_rpms(contents: Contents, signer: Signer, tmp_path: Path) -> None:
    paths = centos_tree(tmp_path / "el", signer)
    signer.close()
    tree = Tree("el", str(tmp_path / "el"), "rhel", "7", paths[0], paths[1])
    basic = {item.path: item for item in await contents.basic(tree, ["LiveOS/squashfs.img"])}
    full = {item.path: item for item in await contents.full(tree)}

    assert set(basic) == {path for path in paths if not path.endswith(".rpm")} | {
        *(".treeinfo", "repodata/repomd.xml.asc", "repodata/repomd.xml.key")
    }
    assert set(full) == set(basic) | set(paths)
    assert basic["repodata/repomd.xml"].changes and basic["repodata/repomd.xml.key"].optional
    kernel, rpm = basic[paths[0]].expected, full["Packages/p3-1-1.x86_64.rpm"].expected
    assert kernel is not None and kernel.by == ".treeinfo"
    assert rpm is not None and (rpm.algorithm, rpm.size) == ("sha256", 5000)
    found = await contents.repository(tree)
    assert sorted(package.name for package in found.packages)[:2] == ["p0-1-1.x86_64", "p1-1-1.x86_64"]


async def test_an_archive_of_debs(contents: Contents, tmp_path: Path) -> None:
    pool = debian_repository(tmp_path / "deb", {"a_1_amd64.deb": b"a" * 100}, suite="trixie")
    kernel = "dists/trixie/main/installer-amd64/current/images/netboot/linux"
    tree = Tree("deb", str(tmp_path / "deb"), "debian", "13", kernel)
    basic = {item.path: item for item in await contents.basic(tree)}
    full = {item.path: item for item in await contents.full(tree)}

    lists = "dists/trixie/main/binary-amd64"
    assert {kernel, "dists/trixie/InRelease", f"{lists}/Packages.xz"} <= set(basic)
    assert any(path.startswith(f"{lists}/by-hash/SHA256/") for path in basic)
    assert set(full) - set(basic) == set(pool.values())
    assert full[pool["a_1_amd64.deb"]].size == 100
    assert [package.name for package in (await contents.repository(tree)).packages] == ["a"]


async def test_a_list_that_its_repository_names_and_does_not_have(contents: Contents, tmp_path: Path) -> None:
    debian_repository(tmp_path / "deb", {"a_1_amd64.deb": b"a"}, suite="trixie")
    (tmp_path / "deb/dists/trixie/main/binary-amd64/Packages.xz").unlink()
    tree = Tree("deb", str(tmp_path / "deb"), "debian", "13", "dists/trixie/x")

    with pytest.raises(Unavailable, match=r"Packages\.xz is not there, though its repository names it"):
        await contents.full(tree)


async def test_a_tree_without_a_repository_has_its_installer(contents: Contents, tmp_path: Path) -> None:
    put(tmp_path, "live/vmlinuz", b"k")
    tree = Tree("live", str(tmp_path), "agama", "16.0", "live/vmlinuz", "live/initrd")

    assert [item.path for item in await contents.full(tree, ["live/squashfs.img"])] == [
        *("live/vmlinuz", "live/initrd", "live/squashfs.img")
    ]
