"""What each family tells of its releases, and the kernel arguments that start its installer."""

from typing import Any

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros.base import join, major
from provisioner.distros.detect import family

ROOT = "http://192.168.122.1:8080"
ASKED: dict[str, Any] = {
    "root": ROOT,
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
DEBIAN = (
    "auto=true priority=critical url=http://192.168.122.1:8080/answer/T/preseed.cfg interface=auto "
    "hostname=web1 domain=lab locale=en_US.UTF-8 keymap=us log_host=192.168.122.1 log_port=5514 "
    "ipv6.disable=1 DEBIAN_FRONTEND=text TERM=dumb DEBCONF_DROP_TRANSLATIONS=1 "
    "--- console=tty0 console=ttyS0,115200"
)
LINES = {"rhel": ANACONDA, "image": ANACONDA, "debian": DEBIAN}


def args(name: str, release: str = "7", **changed: Any) -> str:
    row = family(name)
    answer_url = f"{ROOT}/answer/T/{row.answer_file}"
    return row.kernel_args(Tree("t1", "/srv/t1", name, release), answer_url=answer_url, **(ASKED | changed))


@pytest.mark.parametrize("name", LINES)
def test_the_whole_line(name: str) -> None:
    assert args(name) == LINES[name]


@pytest.mark.parametrize("name", ["rhel", "image"])
def test_the_console_is_where_the_trees_processor_has_its_serial_line(name: str) -> None:
    row = family(name)
    tree = Tree("t1", "/srv/t1", name, "7", arch="aarch64")

    line = row.kernel_args(tree, answer_url=f"{ROOT}/answer/T/{row.answer_file}", **ASKED)

    assert line == LINES[name].replace("ttyS0", "ttyAMA0")


@pytest.mark.parametrize("name", LINES)
def test_without_a_log_listener_the_line_names_none(name: str) -> None:
    line = args(name, syslog=None)

    assert "syslog" not in line
    assert "log_host" not in line


def test_a_host_name_without_a_domain_gets_one_that_nobody_is_asked_for() -> None:
    assert " hostname=web1 domain=localdomain " in args("debian", hostname="web1")


def test_a_line_break_in_an_argument_is_refused() -> None:
    with pytest.raises(Invalid, match="kernel arguments are one line"):
        args("debian", hostname="web1\nrm")
    assert join("a=1", "", "b") == "a=1 b"


def test_releases_before_seven_are_refused() -> None:
    with pytest.raises(Invalid, match=r"release '6\.10' cannot be installed"):
        args("rhel", "6.10")
    with pytest.raises(Invalid, match="no release is given"):
        args("rhel", "")


SUPPORTS = {
    ("rhel", "7"): {"onerror", "traceback"},
    ("rhel", "7.6"): {"onerror", "traceback"},
    ("rhel", "8.10"): {"onerror", "traceback", "sshkey"},
    ("rhel", "9"): {"onerror", "traceback", "sshkey", "timesource"},
    ("rhel", "21"): {"onerror", "traceback"},
    ("rhel", "40"): {"onerror", "traceback", "sshkey", "timesource"},
    ("image", ""): {"onerror", "sshkey"},
    ("debian", "13"): set(),
}
SYNTAX = {
    ("rhel", "7.6"): "RHEL7",
    ("rhel", "10"): "RHEL10",
    ("rhel", "40"): "F40",
    ("image", "12"): "RHEL8",
    ("debian", "13"): "",
}
LEVELS = {
    ("rhel", "7"): 1,
    ("rhel", "8.10"): 1,
    ("rhel", "9.4"): 2,
    ("rhel", "10"): 3,
    ("rhel", "40"): 1,
    ("image", "0.1"): 1,
    ("debian", "13"): 1,
}


def test_what_each_release_can_do() -> None:
    assert {key: set(family(key[0]).supports(key[1])) for key in SUPPORTS} == SUPPORTS


def test_the_syntax_of_each_release() -> None:
    assert {key: family(key[0]).syntax(key[1]) for key in SYNTAX} == SYNTAX


def test_the_processor_of_each_release() -> None:
    assert {key: family(key[0]).cpu_level(key[1]) for key in LEVELS} == LEVELS


def test_major() -> None:
    assert [major(text) for text in ("7", "7.6", "10", "", "rawhide", "7x")] == [7, 7, 10, 0, 0, 0]
