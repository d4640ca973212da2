"""What an installed system is told of a tree's repositories: the whole text, for dnf, zypper and apt."""

import pytest

from provisioner.core.profile import Tree
from provisioner.distros import repositories
from provisioner.distros.base import Files
from provisioner.distros.repositories import Suite

URL = "http://192.0.2.1:8080/tree/t"
DNF = """# /etc/yum.repos.d/t.repo
[t-baseos]
name=t BaseOS
baseurl=http://192.0.2.1:8080/tree/t/BaseOS/
enabled=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9

[t-appstream]
name=t AppStream
baseurl=http://192.0.2.1:8080/tree/t/AppStream/
enabled=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9
"""
ZYPPER = """# /etc/zypp/repos.d/t.repo
[t]
name=t
baseurl=http://192.0.2.1:8080/tree/t/
type=rpm-md
enabled=1
autorefresh=1
gpgcheck=1
gpgkey=http://192.0.2.1:8080/tree/t/repodata/repomd.xml.key
"""
APT = """# /etc/apt/sources.list.d/t.sources
Types: deb
URIs: http://192.0.2.1:8080/tree/t
Suites: trixie trixie-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

# Nothing signs this: apt is told to take the packages as they are.
Types: deb
URIs: http://192.0.2.1:8080/tree/t
Suites: own
Components: main
Trusted: yes
Check-Valid-Until: no
"""


def tree(family: str, release: str = "", kernel: str = "") -> Tree:
    return Tree("t", "http://m.example", family, release, kernel)


def treeinfo(family: str, more: str = "") -> Files:
    return {".treeinfo": f"[general]\nfamily = {family}\nversion = 9\narch = x86_64\n{more}".encode()}


def test_dnf() -> None:
    found = tree("rhel", "9.4")
    key = repositories.key_of(found, treeinfo("Rocky Linux"))

    assert repositories.dnf(found, URL, ["BaseOS", "AppStream"], key) == DNF
    assert "gpgkey" not in repositories.dnf(found, URL, [""], "")
    assert "gpgcheck=1" in repositories.dnf(found, URL, [""], "")


def test_zypper() -> None:
    assert repositories.zypper(tree("suse", "15.6"), URL, [""], [""]) == ZYPPER
    assert "gpgkey" not in repositories.zypper(tree("suse", "15.6"), URL, [""], [])


def test_apt() -> None:
    suites = [
        Suite("trixie", "main contrib"),
        Suite("trixie-updates", "main contrib"),
        Suite("own", "main", signed=False, stale=True),
    ]
    assert repositories.apt(tree("debian", "13"), URL, suites) == APT
    assert "ubuntu-archive-keyring" in repositories.apt(tree("ubuntu"), URL, suites)


KEYS = [
    ("CentOS", "7.6", "RPM-GPG-KEY-CentOS-7"),
    ("CentOS", "8.5", "RPM-GPG-KEY-centosofficial"),
    ("CentOS Stream", "9", "RPM-GPG-KEY-centosofficial"),
    ("CentOS Stream", "10", "RPM-GPG-KEY-centosofficial-SHA256"),
    ("Rocky Linux", "8.10", "RPM-GPG-KEY-rockyofficial"),
    ("Rocky Linux", "10.0", "RPM-GPG-KEY-Rocky-10"),
    ("AlmaLinux", "8.9", "RPM-GPG-KEY-AlmaLinux"),
    ("AlmaLinux", "9.4", "RPM-GPG-KEY-AlmaLinux-9"),
    ("Red Hat Enterprise Linux", "9.6", "RPM-GPG-KEY-redhat-release"),
    ("Fedora", "44", "RPM-GPG-KEY-fedora-44-$basearch"),
    ("Circle Linux", "8.4", ""),
]


@pytest.mark.parametrize(("maker", "release", "file"), KEYS)
def test_the_key_of_a_maker(maker: str, release: str, file: str) -> None:
    found = repositories.key_of(tree("rhel", release), treeinfo(maker))

    assert found == (f"/etc/pki/rpm-gpg/{file}" if file else "")


def test_folders_are_those_of_the_variants_and_none_outside() -> None:
    more = (
        "[variant-BaseOS]\nrepository = .\npackages = Packages\n"
        "[variant-AppStream]\nrepository = ../../../AppStream/x86_64/os\n"
        "[variant-Extra]\nrepository = addons/Extra/repodata\n"
    )
    assert repositories.folders(treeinfo("x", more)) == ("", "BaseOS", "AppStream", "addons/Extra")
    assert repositories.folders({}) == ("", "BaseOS", "AppStream")
    assert repositories.folders({".treeinfo": b"\xff["}) == ("", "BaseOS", "AppStream")


def test_a_suite_is_told_by_the_kernel_the_release_or_the_medium() -> None:
    info = {".disk/info": b'Ubuntu-Server 24.04.1 LTS "Noble Numbat" - Release amd64 (20240827)'}

    assert repositories.suite_of(tree("debian", "13", "dists/sid/main/linux"), {}) == "sid"
    assert repositories.suite_of(tree("debian", "12.5", "install.amd/vmlinuz"), {}) == "bookworm"
    assert repositories.suite_of(tree("ubuntu", "24.04", "casper/vmlinuz"), info) == "noble"
    assert repositories.suite_of(tree("ubuntu", "24.04", "casper/vmlinuz"), {}) == ""
