"""`--osinfo` as virt-install takes it, and what a name says of a guest."""

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.osinfo import parse_osinfo
from provisioner.core.profile import Tree
from provisioner.distros.osinfo import check_osinfo, named, system

TEXTS = {
    "debian12": "debian12",
    "name=centos7.6": "centos7.6",
    "short-id=rhel9.4,require=on": "rhel9.4",
    "Win11": "win11",
    "detect=on,require=off": "",
    "detect=off": "",
}
WRONG = {
    "": "is empty",
    "detect=perhaps": "detect=perhaps is not known",
    "nmae=debian12": "did you mean name",
    "debian 12": "is no name of a system",
    "http://debian.org/debian/12": "is no name of a system",
    "a]]>b": "is no name of a system",
}
SYSTEMS = {
    "debian12": ("debian", "12"),
    "centos7.6": ("rhel", "7.6"),
    "centos-stream9": ("rhel", "9"),
    "almalinux10": ("rhel", "10"),
    "rocky9.4": ("rhel", "9.4"),
    "fedora40": ("fedora", "40"),
    "ubuntu24.04": ("ubuntu", "24.04"),
    "opensuse42.3": ("suse", "42.3"),
    "opensuse15.5": ("suse", "15.5"),
    "sles12sp5": ("suse", "12.5"),
    "sle15": ("suse", "15"),
    "opensuse16.0": ("agama", "16.0"),
    "sles16": ("agama", "16"),
    "win11": ("", ""),
    "debian": ("", ""),
    "": ("", ""),
}


def test_what_is_given_is_read() -> None:
    assert {text: parse_osinfo(text) for text in TEXTS} == TEXTS


@pytest.mark.parametrize(("text", "words"), WRONG.items(), ids=WRONG)
def test_what_is_no_name_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parse_osinfo(text)


def test_a_name_says_family_and_release() -> None:
    assert {name: system(name) for name in SYSTEMS} == SYSTEMS


AGREE = [
    ("debian12", "debian", "12"),
    ("centos7.0", "rhel", "7.6"),
    ("win11", "rhel", "7"),
    ("", "rhel", "7"),
]


@pytest.mark.parametrize(
    ("name", "family", "release"), [*AGREE, ("debian12", "image", ""), ("rhel9", "", "")]
)
def test_a_tree_that_holds_it_or_does_not_tell(name: str, family: str, release: str) -> None:
    check_osinfo("web1", name, Tree("t", "/t", family=family, release=release))


@pytest.mark.parametrize(("name", "family", "release"), [("debian12", "rhel", "7"), ("rhel9.4", "rhel", "8")])
def test_a_tree_that_holds_another_is_told(name: str, family: str, release: str) -> None:
    with pytest.raises(Invalid, match=f"--osinfo {name}, but the tree t holds {family} {release}"):
        check_osinfo("web1", name, Tree("t", "/t", family=family, release=release))


@pytest.mark.parametrize(
    ("family", "release", "name"),
    [
        ("debian", "13", "debian13"),
        ("ubuntu", "24.04", "ubuntu24.04"),
        ("fedora", "44", "fedora44"),
        ("rhel", "7", "centos7"),
        ("rhel", "6.10", "centos6.10"),
        ("rhel", "8.10", ""),
        ("suse", "15.6", ""),
        ("debian", "", ""),
        ("", "", ""),
    ],
)
def test_the_system_of_a_tree(family: str, release: str, name: str) -> None:
    assert named(Tree("t", "/t", family, release)) == name
