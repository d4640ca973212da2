"""The true service on libvirt's test driver, a mirror that it reads from, and the command line."""

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


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mirror of the region: an archive of CentOS, and folders that are no tree."""
    root = tmp_path_factory.mktemp("mirror")
    shutil.copytree(RECORDED / "rhel/centos-7.6.1810", root / CENTOS)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, mirror: str) -> Iterator[Site]:
    """A service with its ports elsewhere, serving the loopback interface."""
    site = Site(tmp_path_factory.mktemp("service"))
    names = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")
    settings = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "test:///default",
        "interfaces": ["lo"],
        "mirrors": {"centos-vault": f"{mirror}/vault"},
        **dict(zip(names, free_ports(len(names)), strict=True)),
    }
    print(f"ready after {service.start(site, settings):.2f} s")
    yield site
    assert service.stop(site)


@pytest.fixture
def call(site: Site, tmp_path: Path) -> Call:
    environment = {
        **os.environ,
        "PROVISIONER_STATE_DIR": str(site.state_dir),
        "XDG_STATE_HOME": str(tmp_path),
    }

    def run(words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "provisioner", *words.split()]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run
