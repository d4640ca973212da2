"""The command line against the true service, on libvirt's test driver: both ends speak the same API."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service with its ports elsewhere, serving the loopback interface."""
    site = Site(tmp_path_factory.mktemp("service"))
    names = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")
    settings = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "test:///default",
        "interfaces": ["lo"],
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


LISTS = ("guest list --all", "install list", "tree list", "image list", "profile list", "machine list")


@pytest.mark.parametrize("words", [*LISTS, "host list", "network list", "pool list"])
def test_lists_as_table_and_json(call: Call, words: str) -> None:
    table, data = call(words), call(f"{words} -o json")

    assert (table.returncode, table.stderr, data.returncode) == (0, "", 0)
    items = json.loads(data.stdout)
    assert len(table.stdout.splitlines()) == (len(items) + 1 if items else 0)


def test_the_test_drivers_domain_is_foreign(call: Call) -> None:
    (line,) = call("guest list --all").stdout.splitlines()[1:]

    assert line.startswith("test ") and line.endswith("foreign, untouched")


def test_a_profile_is_copied_changed_shown_and_removed(call: Call) -> None:
    assert call("profile copy tiny mine").returncode == 0
    assert call("profile edit mine --memory 300 --var motd=hello").returncode == 0
    shown = json.loads(call("profile show mine -o json").stdout)
    assert (shown["memory"], shown["variables"]["motd"], shown["shipped"]) == (300, "hello", False)
    assert call("profile remove mine").returncode == 0
    assert call("profile show mine").stderr.startswith("error: ")


def test_a_machine_comes_and_goes(call: Call) -> None:
    assert call("machine add rack1 --mac 52:54:00:aa:bb:cc").returncode == 0
    assert "52:54:00:aa:bb:cc" in call("machine list").stdout
    assert call("machine remove rack1").returncode == 0
    assert call("machine list").stdout == ""


def test_a_host_comes_and_goes(call: Call) -> None:
    assert call("host add other test:///default?x=1").stdout == "host other is up\n"
    names = [host["name"] for host in json.loads(call("host list -o json").stdout)]
    assert names == ["local", "other"]
    shown = json.loads(call("host show other -o json").stdout)
    assert (shown["uri"], shown["node"]["cpus"]) == ("test:///default?x=1", 16)
    checked = call("host check other")
    assert checked.returncode == 0
    assert {line.split()[0] for line in checked.stdout.splitlines()} == {"unknown"}
    assert call("host remove other").returncode == 0
    assert call("host show other").stderr.startswith("error: no host is called 'other'")


SENTENCES = {
    "host add x qemu+tcp://h/system": "is not encrypted",
    "host add x qemu+ssh://h/system?no_verify=1": "does not verify",
    "host add x nothing:///x": "nothing",
    "host add x y": "is not a libvirt URI",
    "host add X qemu:///session": "'X' is not usable",
    "host add local qemu:///session": "exists already",
    "host remove local": "is named in the settings",
    "host show nobody": "nobody",
    "host check local --compare": "looks at the machine that it runs on",
    "guest create web1 -p nothing": "nothing",
    "guest show nobody": "nobody",
    "install why nobody": "nobody",
    "tree add gone /nowhere/at/all": "/nowhere/at/all",
    "image build nothing": "nothing",
    "guest create web1 -p tiny --connect nothing:///x --dry-run": "nothing",
    "guest create web1 -p tiny --network bridge=br77 --dry-run": "",
    "machine add rack1 --mac 12:34": "12:34",
}


@pytest.mark.parametrize("words", SENTENCES)
def test_what_is_wrong_is_one_sentence(call: Call, words: str) -> None:
    ran = call(words)

    first, *rest = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (1, "")
    assert first.startswith("error: ") and SENTENCES[words] in first
    assert all(line.startswith("remedy: ") for line in rest) and len(rest) <= 1


def test_lint_and_render(call: Call, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.ks", tmp_path / "bad.ks"
    good.write_text("text\nlang en_US.UTF-8\n")
    bad.write_text("text\nnonsense\n")

    assert call(f"answer lint {good} --family rhel --release 7").returncode == 0
    found = call(f"answer lint {bad} --family rhel --release 7")
    assert (found.returncode, "nonsense" in found.stdout) == (1, True)
    assert call(f"answer render {good} --family rhel --release 7").stdout.startswith("text\n")


def test_a_token_is_a_link(call: Call) -> None:
    assert "/login?key=" in call("token").stdout


def test_a_second_service_on_the_same_ports_names_the_first(site: Site) -> None:
    environment = {**os.environ, "PROVISIONER_CONFIG": str(site.config)}
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert re.search(r"is in use by provisioner \(pid \d+\)$", done.stderr.splitlines()[0])
