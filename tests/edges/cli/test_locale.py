"""The service and the command line where everything else speaks Chinese: no localised output is ever read."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")
CHINESE = "zh_CN.UTF-8"


@pytest.fixture(scope="module")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """An environment in Chinese, by a locale of our own; libvirt's programs are seen to speak it."""
    if shutil.which("localedef") is None or shutil.which("virt-host-validate") is None:
        pytest.skip("localedef or virt-host-validate is not installed")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        ["localedef", "-i", "zh_CN", "-f", "UTF-8", str(folder / CHINESE)], capture_output=True, text=True
    )
    if not (folder / CHINESE).is_dir():
        pytest.skip(f"no Chinese locale can be made: {made.stderr}")
    found = {"LC_ALL": CHINESE, "LANG": CHINESE, "LANGUAGE": "zh_CN", "LOCPATH": str(folder)}
    said = subprocess.run(["virt-host-validate"], env={**os.environ, **found}, capture_output=True).stdout
    if b"Checking" in said:
        pytest.skip("libvirt's Chinese translations (package libvirt-l10n) are not installed")
    return found


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, locale: Mapping[str, str]
) -> Iterator[tuple[Site, Mapping[str, str]]]:
    site = Site(tmp_path_factory.mktemp("service"))
    names = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")
    settings = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "qemu:///system",
        "interfaces": ["lo"],
        **dict(zip(names, free_ports(len(names)), strict=True)),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in locale.items():
            patch.setenv(name, value)
        service.start(site, settings)
    yield site, locale
    assert service.stop(site)


def call(site: tuple[Site, Mapping[str, str]], words: str) -> subprocess.CompletedProcess[str]:
    place, locale = site
    environment = {**os.environ, **locale, "PROVISIONER_STATE_DIR": str(place.state_dir)}
    command = [sys.executable, "-m", "provisioner", *words.split()]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def up(site: tuple[Site, Mapping[str, str]]) -> tuple[Site, Mapping[str, str]]:
    (host,) = json.loads(call(site, "host list -o json").stdout)
    if host["state"] != "up":
        pytest.skip(host["reason"])
    return site


def test_host_check(up: tuple[Site, Mapping[str, str]]) -> None:
    ran = call(up, "host check -o json")

    checks = json.loads(ran.stdout)
    assert ran.stderr == "" and ran.stdout.isascii()
    assert {check["verdict"] for check in checks} <= {"PASS", "WARN", "FAIL", "unknown"}
    assert ran.returncode == int(any(check["verdict"] == "FAIL" for check in checks))


def test_host_check_beside_virt_host_validate(up: tuple[Site, Mapping[str, str]]) -> None:
    ran = call(up, "host check --compare")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) > 20


def test_network_list(up: tuple[Site, Mapping[str, str]]) -> None:
    ran = call(up, "network list -o json")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert {network["mode"] for network in json.loads(ran.stdout)} <= {
        *("nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev", "isolated"),
    }
