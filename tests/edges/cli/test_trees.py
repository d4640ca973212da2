"""Trees by the command line and the true service: a served copy of CentOS 7.6.1810, explained and added."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports

RECORDED = Path(__file__).parents[2] / "data/trees"
CENTOS = "vault/7.6.1810/os/x86_64"
Call = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mirror of the region: an archive of CentOS, and folders that are no tree."""
    root = tmp_path_factory.mktemp("mirror")
    shutil.copytree(RECORDED / "rhel/centos-7.6.1810", root / CENTOS)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory, mirror: str) -> Iterator[Call]:
    site = Site(tmp_path_factory.mktemp("service"))
    names = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")
    settings = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "test:///default",
        "interfaces": ["lo"],
        "mirrors": {"centos-vault": f"{mirror}/vault"},
        **dict(zip(names, free_ports(len(names)), strict=True)),
    }
    service.start(site, settings)
    environment = {**os.environ, "PROVISIONER_STATE_DIR": str(site.state_dir)}

    def run(words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "provisioner", *words.split()]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    yield run
    assert service.stop(site)


def test_a_served_copy_is_explained(call: Call, mirror: str) -> None:
    told = call(f"tree explain {mirror}/{CENTOS}")
    data = json.loads(call(f"tree explain {mirror}/{CENTOS} -o json").stdout)

    assert told.returncode == 0
    assert ".treeinfo                  353 bytes  rhel 7 for x86_64" in told.stdout
    assert "images/pxeboot/vmlinuz     there" in told.stdout
    assert (data["family"], data["release"], data["requests"] <= 10) == ("rhel", "7", True)
    assert json.loads(call("tree list -o json").stdout) == []


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
