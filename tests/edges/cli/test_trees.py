"""Trees by the command line and the true service: a served copy of CentOS 7.6.1810, explained and added."""

import json
import os

import pytest

from tests.edges.cli.conftest import CENTOS, Call

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")


def test_a_served_copy_is_explained(call: Call, mirror: str) -> None:
    before = call("tree list -o json").stdout
    told = call(f"tree explain {mirror}/{CENTOS}")
    data = json.loads(call(f"tree explain {mirror}/{CENTOS} -o json").stdout)

    assert told.returncode == 0
    assert ".treeinfo                  353 bytes  rhel 7 for x86_64" in told.stdout
    assert "images/pxeboot/vmlinuz     there" in told.stdout
    assert (data["family"], data["release"], data["requests"] <= 10) == ("rhel", "7", True)
    assert call("tree list -o json").stdout == before


def test_a_tree_is_added_by_the_name_of_its_system_through_the_mirror(call: Call, mirror: str) -> None:
    added = json.loads(call("tree add centos7.6 -o json").stdout)

    assert added["source"] == f"{mirror}/{CENTOS}"
    assert (added["name"], added["family"], added["release"]) == ("centos7.6", "rhel", "7.6")
    assert call("tree remove centos7.6").returncode == 0


def test_why_a_folder_is_no_tree(call: Call, mirror: str) -> None:
    told = call(f"tree explain {mirror}/vault")

    assert told.returncode == 1
    assert f"{mirror}/vault is a listing of folders and no tree: 7.6.1810" in told.stdout
    assert "tree add centos76" in call("tree add centos76").stderr
