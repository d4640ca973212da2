"""Trees are told apart by their small files: recorded stubs of each kind."""

from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.distros.base import TreeFacts
from provisioner.distros.detect import FAMILIES, PROBES, detect, family

TREES = Path(__file__).parents[2] / "data/trees"
ANACONDA = ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")


def netboot(folder: str, arch: str = "amd64") -> tuple[str, str]:
    return f"{folder}/debian-installer/{arch}/linux", f"{folder}/debian-installer/{arch}/initrd.gz"


def stub(name: str) -> dict[str, bytes]:
    """What a reader would have found of the paths that detection asks for."""
    return {path: (TREES / name / path).read_bytes() for path in PROBES if (TREES / name / path).is_file()}


KNOWN = {
    "rhel/centos-7.6.1810": TreeFacts("rhel", "7", *ANACONDA),
    "rhel/scientific-7-sparse": TreeFacts("rhel", "7.6", *ANACONDA),
    "rhel/almalinux-9.4": TreeFacts("rhel", "9.4", *ANACONDA),
    "rhel/centos-6.10": TreeFacts("rhel", "6.10", *ANACONDA),
    "fedora/40": TreeFacts("fedora", "40", *ANACONDA),
    "image/mini": TreeFacts("image", "0.1", *ANACONDA),
    "image/mini-arm64": TreeFacts("image", "0.1", *ANACONDA, "aarch64"),
    "debian/trixie": TreeFacts(
        "debian", "13", *netboot("dists/trixie/main/installer-amd64/current/images/netboot")
    ),
    "debian/bookworm-only": TreeFacts(
        "debian", "12", *netboot("dists/bookworm/main/installer-amd64/current/images/netboot")
    ),
    "debian/medium": TreeFacts("debian", "13", *netboot("install/netboot")),
    "debian/arm64-only": TreeFacts(
        "debian",
        "13",
        *netboot("dists/trixie/main/installer-arm64/current/images/netboot", "arm64"),
        "aarch64",
    ),
}
REFUSED = {
    "debian/images-folder": (
        "this is a folder of installer images inside a Debian mirror, without the packages"
    ),
    "foreign/ubuntu": "no known installer: found dists/stable/Release",
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_tree_is_known_by_its_small_files(name: str) -> None:
    assert detect(stub(name)) == KNOWN[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_installed_from_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        detect(stub(name))

    assert str(refusal.value) == REFUSED[name]


def test_every_recorded_tree_is_looked_at() -> None:
    assert {
        f"{place.parent.name}/{place.name}" for place in TREES.glob("*/*")
    } == KNOWN.keys() | REFUSED.keys()


def test_an_empty_folder_is_no_tree() -> None:
    with pytest.raises(Invalid, match="none of the files that an install tree has"):
        detect({})


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe not ini",
        b"[general]\nfamily = CentOS\n",
        b"[general]\nfamily = CentOS\nversion = 7\narch = x86_64\n[images-x86_64]\nkernel = vmlinuz\n",
        b"kernel = no section",
    ],
)
def test_a_broken_treeinfo_is_told_in_one_sentence(text: bytes) -> None:
    with pytest.raises(Invalid, match=r"the tree's \.treeinfo cannot be used: .+"):
        detect({".treeinfo": text})


def test_a_family_is_found_by_its_name() -> None:
    assert [family(row.name) for row in FAMILIES] == list(FAMILIES)
    with pytest.raises(
        Invalid,
        match="family 'gentoo' is not known; known are image, rhel, fedora, debian, ubuntu, suse, agama",
    ):
        family("gentoo")
