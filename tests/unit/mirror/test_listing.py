"""What a server's page of a folder, and a folder of this host, are listed as."""

import os
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.mirror.listing import Entry, Listings, links
from provisioner.mirror.types import content_type
from provisioner.mirror.upstream import Upstream

URL = "http://mirror.test/os/Packages/"

APACHE = b"""<html><body><h1>Index of /os/Packages</h1><table>
<tr><th><a href="?C=N;O=D">Name</a></th></tr>
<tr><td><a href="/os/">Parent Directory</a></td></tr>
<tr><td><a href="a%20b+c%25d.rpm">a b+c%d.rpm</a></td></tr>
<tr><td><A HREF="repodata/">repodata/</A></td></tr>
</table></body></html>"""
ENTRIES = [Entry("repodata", True), Entry("a b+c%d.rpm", False)]

PAGES = {
    "as Apache writes it": (APACHE, ENTRIES),
    "as nginx writes it": (
        b'<a href="../">../</a>\n<a href="x.rpm">x.rpm</a> 1K',
        [Entry("x.rpm", False)],
    ),
    "whole paths": (b'<a href="/os/Packages/x.rpm">', [Entry("x.rpm", False)]),
    "whole addresses": (b'<a href="http://mirror.test/os/Packages/x/">', [Entry("x", True)]),
    "twice": (b'<a href="x"></a><a href="./x"></a>', [Entry("x", False)]),
    "a name with a colon": (b'<a href="./1:2-3.rpm">', [Entry("1:2-3.rpm", False)]),
    "not in UTF-8": (b'<a href="%ff.rpm">', [Entry("\udcff.rpm", False)]),
    "another host": (b'<a href="http://other.test/os/Packages/x">', []),
    "another scheme": (b'<a href="javascript:alert(1)"><a href="ftp://mirror.test/os/Packages/x">', []),
    "above": (b'<a href="../../x"><a href="/x"><a href="../Packages-other/x">', []),
    "further below": (b'<a href="a/b">', []),
    "dots": (b'<a href="%2e%2e/"><a href="%2e">', []),
    "a slash in a name": (b'<a href="a%2fb">', []),
    "control characters": (b'<a href="a%0ab"><a href="a%00b">', []),
    "no address": (b'<a href="http://[::1"><a name="x"><a href="">', []),
    "no page": (b"\x00\xff\xfe", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("case", PAGES)
def test_the_links_of_a_page_that_lead_directly_below_are_its_entries(case: str) -> None:
    page, expected = PAGES[case]

    assert links(page, URL) == expected


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "images").mkdir(parents=True)
    (root / "images" / "vmlinuz").write_bytes(b"kernel")
    (root / "inside").symlink_to("images")
    (root / "outside").symlink_to(tmp_path)
    (root / "broken").symlink_to("nothing")
    (root / "circle").symlink_to("circle")
    (root / "file").write_bytes(b"12345")
    os.mkfifo(root / "pipe")
    return root


async def listed(source: Path, path: str) -> list[tuple[str, bool, int | None]] | None:
    upstream = Upstream(None)  # type: ignore[arg-type]
    found = await Listings(upstream.open, upstream.isos).list(str(source), path)
    return None if found is None else [(entry.name, entry.folder, entry.size) for entry in found]


async def test_a_folder_shows_its_files_and_folders_and_no_way_out(tree: Path) -> None:
    assert await listed(tree, "") == [("images", True, None), ("inside", True, None), ("file", False, 5)]
    assert await listed(tree, "images/") == [("vmlinuz", False, 6)]
    assert await listed(tree, "inside/") == [("vmlinuz", False, 6)]


@pytest.mark.parametrize(
    "path",
    ["nothing/", "file/", "outside/", "../", "images/../", "./", "a//b/", "images\0/", "circle/", "pipe/"],
)
async def test_nothing_else_is_listed(tree: Path, path: str) -> None:
    assert await listed(tree, path) is None


async def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"the directory .*/gone is not there"):
        await listed(tmp_path / "gone", "")


TYPES = {
    "Packages/bash-5.1-1.x86_64.rpm": "application/x-rpm",
    "pool/b/bash_5_amd64.deb": "application/vnd.debian.binary-package",
    "repodata/primary.xml.gz": "application/gzip",
    "repodata/repomd.xml": "application/xml",
    "images/install.img": "application/octet-stream",
    "images/pxeboot/vmlinuz": "application/octet-stream",
    "dists/stable/InRelease": "text/plain; charset=utf-8",
    "Packages.xz": "application/x-xz",
    ".treeinfo": "text/plain; charset=utf-8",
    "RPM-GPG-KEY.asc": "text/plain; charset=utf-8",
    "index.html": "text/html; charset=utf-8",
    "medium.iso": "application/x-iso9660-image",
    "x.tgz": "application/gzip",
    "": "application/octet-stream",
    "folder.d/": "application/octet-stream",
    "...": "application/octet-stream",
    "odd.\r\nname": "application/octet-stream",
}


@pytest.mark.parametrize("path", TYPES)
def test_a_name_tells_the_type(path: str) -> None:
    assert content_type(path) == TYPES[path]
