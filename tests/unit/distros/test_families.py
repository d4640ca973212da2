"""What each family tells of its releases, and the kernel arguments that start its installer."""

from typing import Any

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros.base import Boot, join, major
from provisioner.distros.detect import FAMILIES, family

ROOT = "http://192.168.122.1:8080"
ASKED: dict[str, Any] = {
    "tree_url": f"{ROOT}/tree/t1",
    "hostname": "web1.lab",
    "mac": "52:54:00:aa:bb:cc",
    "syslog": ("192.168.122.1", 5514),
}
ANACONDA = (
    "inst.ks=http://192.168.122.1:8080/answer/T/ks.cfg inst.ks.sendmac "
    "inst.repo=http://192.168.122.1:8080/tree/t1 ip=dhcp BOOTIF=01-52-54-00-aa-bb-cc "
    "inst.syslog=192.168.122.1:5514 inst.text console=tty0 console=ttyS0,115200"
)
OLD_ANACONDA = (
    "ks=http://192.168.122.1:8080/answer/T/ks.cfg kssendmac repo=http://192.168.122.1:8080/tree/t1 ip=dhcp "
    "ksdevice=bootif BOOTIF=01-52-54-00-aa-bb-cc syslog=192.168.122.1:5514 text "
    "console=tty0 console=ttyS0,115200"
)
DEBIAN = (
    "auto=true priority=critical url=http://192.168.122.1:8080/answer/T/preseed.cfg interface=auto "
    "hostname=web1 domain=lab netcfg/get_nameservers= locale=en_US.UTF-8 keymap=us "
    "log_host=192.168.122.1 log_port=5514 "
    "ipv6.disable=1 DEBIAN_FRONTEND=text TERM=dumb DEBCONF_DROP_TRANSLATIONS=1 "
    "--- console=tty0 console=ttyS0,115200"
)
CASPER = (
    "ip=dhcp url=http://192.168.122.1:8080/tree/t1/medium.iso cloud-config-url=/dev/null root=/dev/ram0 "
    "ramdisk_size=3500000 autoinstall ds=nocloud-net;s=http://192.168.122.1:8080/answer/T/ "
    "--- console=tty0 console=ttyS0,115200"
)
SUSE = (
    "install=http://192.168.122.1:8080/tree/t1 autoyast=http://192.168.122.1:8080/answer/T/autoinst.xml "
    "netsetup=dhcp netdevice=52:54:00:aa:bb:cc hostname=web1.lab loghost=192.168.122.1:5514 textmode=1 "
    "console=tty0 console=ttyS0,115200"
)
AGAMA = (
    "root=live:http://192.168.122.1:8080/tree/t1/LiveOS/squashfs.img ip=dhcp rd.neednet=1 "
    "inst.install_url=http://192.168.122.1:8080/tree/t1/install "
    "inst.auto=http://192.168.122.1:8080/answer/T/agama.json hostname=web1.lab "
    "BOOTIF=01-52-54-00-aa-bb-cc console=tty0 console=ttyS0,115200"
)
LINES = {
    ("rhel", "6.10"): OLD_ANACONDA,
    ("rhel", "7"): ANACONDA,
    ("rhel", "10.0"): ANACONDA,
    ("fedora", "44"): ANACONDA,
    ("fedora", "Rawhide"): ANACONDA,
    ("image", "7"): ANACONDA,
    ("debian", "13"): DEBIAN,
    ("ubuntu", "18.04"): DEBIAN,
    ("ubuntu", "26.04"): CASPER,
    ("suse", "15.6"): SUSE,
    ("agama", "16.0"): AGAMA,
}


def args(name: str, release: str = "7", arch: str = "x86_64", **changed: Any) -> str:
    row = family(name)
    answer_url = f"{ROOT}/answer/T/{row.answer_file(release)}"
    tree = Tree("t1", "/srv/t1", name, release, arch=arch)
    return row.kernel_args(tree, Boot(answer_url=answer_url, **(ASKED | changed)))


@pytest.mark.parametrize(("name", "release"), LINES)
def test_the_whole_line(name: str, release: str) -> None:
    assert args(name, release) == LINES[name, release]


@pytest.mark.parametrize(("name", "release"), LINES)
def test_the_console_is_where_the_trees_processor_has_its_serial_line(name: str, release: str) -> None:
    assert args(name, release, "aarch64") == LINES[name, release].replace("ttyS0", "ttyAMA0")


@pytest.mark.parametrize(("name", "release"), LINES)
def test_without_a_log_listener_the_line_names_none(name: str, release: str) -> None:
    line = args(name, release, syslog=None)

    assert not [word for word in ("syslog", "log_host", "loghost") if word in line]


def test_a_host_name_without_a_domain_gets_one_that_nobody_is_asked_for() -> None:
    assert " hostname=web1 domain=localdomain netcfg/get_nameservers= " in args("debian", hostname="web1")


def test_a_line_break_in_an_argument_is_refused() -> None:
    with pytest.raises(Invalid, match="kernel arguments are one line"):
        args("debian", hostname="web1\nrm")
    assert join("a=1", "", "b") == "a=1 b"


UNUSABLE = {
    ("rhel", "5.11"): "release '5.11' cannot be installed: 6 is the first that can",
    ("rhel", "40"): "release '40' is none of Red Hat's",
    ("rhel", ""): "no release is given, and what an answer file may hold depends on it",
    ("fedora", "33"): "Fedora 33 cannot be installed: 34 is the first that can",
    ("fedora", ""): "no release is given, and what an answer file may hold depends on it",
}


@pytest.mark.parametrize(("name", "release"), UNUSABLE)
def test_releases_that_are_too_old_are_refused(name: str, release: str) -> None:
    with pytest.raises(Invalid) as refusal:
        args(name, release)

    assert str(refusal.value) == UNUSABLE[name, release]


FILES = {
    ("rhel", "6"): "ks.cfg",
    ("fedora", "44"): "ks.cfg",
    ("image", ""): "ks.cfg",
    ("debian", "13"): "preseed.cfg",
    ("ubuntu", "18.04"): "preseed.cfg",
    ("ubuntu", "20.04"): "user-data",
    ("suse", "15.6"): "autoinst.xml",
    ("agama", "16.0"): "agama.json",
}
ATTENDED = {
    ("rhel", "6.10"): "repo=http://t/os",
    ("rhel", "7"): "inst.repo=http://t/os",
    ("fedora", "44"): "inst.repo=http://t/os",
    ("image", "1"): "inst.repo=http://t/os ip=dhcp console=tty0 console=ttyS0,115200",
    ("debian", "13"): "",
    ("ubuntu", "18.04"): "",
    ("ubuntu", "24.04"): (
        "ip=dhcp url=http://t/os/medium.iso cloud-config-url=/dev/null root=/dev/ram0 ramdisk_size=3500000"
    ),
    ("suse", "15.6"): "install=http://t/os netsetup=dhcp",
    ("agama", "16.0"): (
        "root=live:http://t/os/LiveOS/squashfs.img ip=dhcp rd.neednet=1 inst.install_url=http://t/os/install"
    ),
}
SUPPORTS = {
    ("rhel", "6.10"): set(),
    ("rhel", "7"): {"onerror", "traceback"},
    ("rhel", "7.6"): {"onerror", "traceback"},
    ("rhel", "8.10"): {"onerror", "traceback", "sshkey"},
    ("rhel", "9"): {"onerror", "traceback", "sshkey", "timesource"},
    ("fedora", "34"): {"onerror", "traceback", "sshkey", "timesource"},
    ("image", ""): {"onerror", "sshkey"},
    ("debian", "13"): set(),
    ("ubuntu", "24.04"): set(),
    ("suse", "15.6"): set(),
    ("agama", "16.0"): set(),
}
SYNTAX = {
    ("rhel", "6.10"): "RHEL6",
    ("rhel", "7.6"): "RHEL7",
    ("rhel", "10"): "RHEL10",
    ("fedora", "40"): "F40",
    ("fedora", "Rawhide"): "DEVEL",
    ("image", "12"): "RHEL8",
    ("debian", "13"): "",
    ("ubuntu", "24.04"): "",
    ("suse", "15.6"): "15",
    ("agama", "16.0"): "",
}
LEVELS = {
    ("rhel", "7"): 1,
    ("rhel", "8.10"): 1,
    ("rhel", "9.4"): 2,
    ("rhel", "10"): 3,
    ("fedora", "40"): 1,
    ("image", "0.1"): 1,
    ("debian", "13"): 1,
    ("ubuntu", "26.04"): 1,
    ("suse", "15.6"): 1,
    ("agama", "16.0"): 2,
}
ARM = {"shimaa64.efi", "grubaa64.efi"}
PC = {"shimx64.efi", "grubx64.efi"}
LOADERS = {
    ("rhel", "6.10", "x86_64"): set(),
    ("rhel", "7", "x86_64"): ARM | PC,
    ("fedora", "44", "aarch64"): ARM | PC,
    ("image", "1", "x86_64"): ARM | PC,
    ("debian", "13", "x86_64"): PC,
    ("debian", "13", "aarch64"): ARM,
    ("debian", "13", "riscv64"): set(),
    ("ubuntu", "18.04", "x86_64"): PC,
    ("ubuntu", "24.04", "x86_64"): PC,
    ("ubuntu", "24.04", "aarch64"): ARM,
    ("suse", "15.6", "x86_64"): PC,
    ("suse", "15.6", "aarch64"): ARM,
    ("agama", "16.0", "x86_64"): PC,
    ("agama", "16.0", "aarch64"): ARM,
}


def test_the_name_of_each_releases_answers() -> None:
    assert {key: family(key[0]).answer_file(key[1]) for key in FILES} == FILES


def test_the_line_of_an_installer_that_nobody_answers() -> None:
    found = {
        (name, release): family(name).attended_args(Tree("t", "/t", name, release), "http://t/os")
        for name, release in ATTENDED
    }

    assert found == ATTENDED


def test_what_each_release_can_do() -> None:
    assert {key: set(family(key[0]).supports(key[1])) for key in SUPPORTS} == SUPPORTS


def test_the_syntax_of_each_release() -> None:
    assert {key: family(key[0]).syntax(key[1]) for key in SYNTAX} == SYNTAX


def test_the_processor_of_each_release() -> None:
    assert {key: family(key[0]).cpu_level(key[1]) for key in LEVELS} == LEVELS


def test_the_loaders_of_each_release() -> None:
    found = {
        (name, release, arch): set(
            family(name).loaders(Tree("t", "/t", name, release, "images/linux", "images/initrd.gz", arch))
        )
        for name, release, arch in LOADERS
    }

    assert found == LOADERS


def test_every_family_is_in_every_table() -> None:
    names = {row.name for row in FAMILIES}

    for table in (LINES, FILES, ATTENDED, SUPPORTS, SYNTAX, LEVELS, LOADERS):
        assert {key[0] for key in table} == names


def test_major() -> None:
    assert [major(text) for text in ("7", "7.6", "10", "", "rawhide", "7x")] == [7, 7, 10, 0, 0, 0]
