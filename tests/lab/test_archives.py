"""A CentOS that its mirror has dropped, added by its old address: the product finds it and says so.

Resolver, authority and servers are those of a namespace; the service in it knows of no test.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.service import until
from tests.lab.waiting import inside
from tests.lab.world import apart, missing, world

RECORDED = Path(__file__).parents[1] / "data/trees/rhel/centos-7.6.1810"
ALIYUN, VAULT = "mirrors.aliyun.com", "vault.centos.org"
BELOW = "7.6.1810/os/x86_64"
SOURCE = f"https://{ALIYUN}/centos/{BELOW}"
NETNS = "plab-world"
ARCHIVES = {
    "beside it": (f"{ALIYUN}/centos-vault/{BELOW}", f"https://{ALIYUN}/centos-vault/{BELOW}"),
    "at the maker's": (f"{VAULT}/{BELOW}", f"https://{VAULT}/{BELOW}"),
}


class Inside:
    """The product in the namespace: its service, and its commands."""

    def __init__(self, state: Path, authority: Path | None) -> None:
        settings = {
            "STATE_DIR": str(state),
            "INTERFACES": '["lo"]',
            "NETBOOT": "false",
            "SYSLOG_PORT": "5514",
        }
        settings["LIBVIRT_URI"] = "test:///default"
        self.environment = os.environ | {f"PROVISIONER_{name}": value for name, value in settings.items()}
        self.environment |= {"SSL_CERT_FILE": str(authority)} if authority else {}
        self.state = state

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = inside(NETNS, sys.executable, "-m", "provisioner", *words)
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def fetched(self, path: str) -> bytes:
        """What a guest gets."""
        command = inside(NETNS, "curl", "-sSf", f"http://127.0.0.1:8080/tree/{path}")
        return subprocess.run(command, capture_output=True, check=True).stdout

    @contextmanager
    def serving(self) -> Iterator[Path]:
        """The service's log."""
        log = self.state / "serve.log"
        command = inside(NETNS, sys.executable, "-m", "provisioner", "serve")
        with (
            log.open("wb") as out,
            subprocess.Popen(command, env=self.environment, stdout=out, stderr=out) as child,
        ):
            try:
                until(lambda: self.run("tree", "list").returncode == 0, 60, f"the service\n{log.read_text()}")
                yield log
            finally:
                child.terminate()


@pytest.mark.parametrize("place", ARCHIVES)
def test_a_tree_that_is_only_in_an_archive_is_added_by_its_old_address(
    _able: None, tmp_path: Path, place: str
) -> None:
    if why := missing():
        pytest.skip(f"not here: {why}")
    folder, archive = ARCHIVES[place]
    roots = {name: tmp_path / "www" / name for name in (ALIYUN, VAULT)}
    for root in roots.values():
        root.mkdir(parents=True)
    shutil.copytree(RECORDED, tmp_path / "www" / folder)
    state = tmp_path / "state"
    state.mkdir()

    with world(NETNS, roots) as net:
        product = Inside(state, net.authority)
        with product.serving() as log:
            added = product.run("tree", "add", f"{SOURCE}/")
            assert added.returncode == 0, f"{added.stderr}\n{log.read_text()}"
            assert f"{archive}   (its source answers 404)" in added.stdout
            name = json.loads(product.run("tree", "list", "-o", "json").stdout)[0]["name"]
            told = product.run("tree", "explain", SOURCE).stdout
            assert f"gone; read from its archive {archive}" in told
            assert (
                f"{SOURCE} is gone from there (404); it is read from its archive {archive}" in log.read_text()
            )
            for path in (".treeinfo", "images/pxeboot/vmlinuz"):
                assert product.fetched(f"{name}/{path}") == (RECORDED / path).read_bytes()
            before = len(net.asked())
        with product.serving():
            assert json.loads(product.run("tree", "show", name, "-o", "json").stdout)["archive"] == archive
            assert (
                product.fetched(f"{name}/LiveOS/squashfs.img")
                == (RECORDED / "LiveOS/squashfs.img").read_bytes()
            )
            assert not [path for path in net.asked()[before:] if path.startswith("/centos/")], (
                "it is remembered"
            )


def test_without_a_network_one_sentence_says_so(_able: None, tmp_path: Path) -> None:
    if why := missing():
        pytest.skip(f"not here: {why}")
    with apart(NETNS):
        product = Inside(tmp_path, None)
        with product.serving():
            refused = product.run("tree", "add", f"{SOURCE}/")

    assert refused.returncode == 1
    lines = [line for line in refused.stderr.splitlines() if line]
    assert len(lines) == 2, refused.stderr
    assert f"{SOURCE}/.treeinfo cannot be read: there is no such host" in lines[0]
    assert lines[1].startswith("remedy: look whether the server answers")
