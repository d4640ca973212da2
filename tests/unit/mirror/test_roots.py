"""Which root files govern a path."""

import pytest

from provisioner.mirror.roots import Root, governing, guessed, lists, read

REPO, APP = Root("rpm", ""), Root("rpm", "AppStream")
STABLE, SECURITY = Root("debian", "dists/stable"), Root("debian", "dists/stretch/updates")
INFO, SUMS = Root("treeinfo", ".treeinfo"), Root("sums", "x/SHA256SUMS")


@pytest.mark.parametrize(
    ("path", "known", "first"),
    [
        ("repodata/repomd.xml", [], REPO),
        ("AppStream/repodata/abc-primary.xml.gz", [], APP),
        ("AppStream/Packages/a.rpm", [REPO, APP], APP),
        ("Packages/a/a.rpm", [REPO, APP], REPO),
        ("a/b/c.rpm", [], Root("rpm", "a/b")),
        ("dists/stable/InRelease", [], STABLE),
        ("dists/stable/main/binary-amd64/Packages.xz", [], STABLE),
        ("dists/stable/main/binary-amd64/Release", [], STABLE),
        ("dists/stable/main/source/Release", [STABLE], STABLE),
        ("dists/stretch/updates/Release", [], SECURITY),
        ("dists/stretch/updates/main/binary-amd64/Packages.xz", [SECURITY], SECURITY),
        ("debian/dists/sid/Release.gpg", [], Root("debian", "debian/dists/sid")),
        ("pool/main/a/a_1_amd64.deb", [REPO, STABLE], STABLE),
        ("pool/main/a/a_1.orig.tar.xz", [STABLE], STABLE),
        ("pool/main/a/a_1_amd64.deb", [], None),
        ("debian/pool/a.deb", [Root("debian", "ubuntu/dists/x")], None),
        ("images/pxeboot/vmlinuz", [INFO, SUMS], INFO),
        ("x/kernel", [INFO, SUMS], SUMS),
        ("kernel", [], INFO),
        ("x/SHA256SUMS.gpg", [], SUMS),
        ("a/.treeinfo", [], Root("treeinfo", "a/.treeinfo")),
        ("content.asc", [], Root("sums", "content")),
    ],
)
def test_a_path_has_its_root(path: str, known: list[Root], first: Root | None) -> None:
    assert next(governing(path, known), None) == first


def test_the_installer_of_a_suite_has_a_list_of_its_own() -> None:
    images = "dists/stable/main/installer-amd64/current/images"

    assert list(governing(f"{images}/netboot/linux", [])) == [STABLE, Root("sums", f"{images}/SHA256SUMS")]


def test_of_a_package_few_folders_are_asked() -> None:
    assert len(list(governing("a/b/c/d/e/f/g.rpm", []))) == 4


@pytest.mark.parametrize(
    ("root", "base", "files"),
    [
        (APP, "AppStream/", ["AppStream/repodata/repomd.xml", "AppStream/repodata/repomd.xml.asc"]),
        (STABLE, "", [f"dists/stable/{name}" for name in ("InRelease", "Release", "Release.gpg")]),
        (Root("debian", "a/b/dists/sid"), "a/b/", [f"a/b/dists/sid/{n}" for n in ("InRelease", "Release")]),
        (INFO, "", [".treeinfo"]),
        (SUMS, "x/", ["x/SHA256SUMS", "x/SHA256SUMS.asc", "x/SHA256SUMS.gpg", "x/SHA256SUMS.sign"]),
    ],
)
def test_what_belongs_to_a_root(root: Root, base: str, files: list[str]) -> None:
    assert root.base == base
    assert list(root.files)[: len(files)] == files


@pytest.mark.parametrize(
    ("path", "used", "asked", "unread"),
    [
        ("pool/main/a/a_1_amd64.deb", [], [], ["dists/stable/main/binary-amd64/Packages"]),
        ("pool/main/a/a.udeb", [], [], []),
        (
            "pool/main/a/a_1_amd64.udeb",
            ["dists/stable/main/i/images/SHA256SUMS"],
            [],
            ["dists/stable/main/debian-installer/binary-amd64/Packages"],
        ),
        (
            "pool/main/a/a_1_all.deb",
            ["dists/stable/main/binary-arm64/Packages"],
            ["dists/stable/main/binary-arm64/Packages"],
            ["dists/stable/main/binary-all/Packages"],
        ),
        ("dists/stable/main/i/images/netboot/linux", [], ["dists/stable/main/i/images/SHA256SUMS"], []),
        ("dists/stable/main/Contents.gz", [], [], []),
    ],
)
def test_a_package_is_looked_for_in_few_lists(
    path: str, used: list[str], asked: list[str], unread: list[str]
) -> None:
    release = f"Suite: x\nDate: Sat, 01 Jan 2000 00:00:00 UTC\nSHA256:\n {'0' * 64} 1 main/x\n".encode()
    reading = read(STABLE, {"dists/stable/Release": release})

    assert list(lists(STABLE, reading, path, used)) == asked
    assert list(guessed(STABLE, path)) == unread
    assert reading.stamp == 946684800
