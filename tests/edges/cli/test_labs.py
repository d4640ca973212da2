"""Labs against the true service on a libvirtd of our own: twice, after a hand's edit, pruned, cut off."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest
import requests

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports
from tests.edges.cli.conftest import Call
from tests.edges.hypervisor.daemon import Daemon, daemon_of_our_own

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")

GUESTS = """
guests:
  - name: {names}
    cdrom: /dev/sr0
    memory: {memory}
    disks: ["size=0.01,pool=default-pool"]
    networks: [network={network}]
"""
PORTS = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with daemon_of_our_own() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def libvirtd(daemon: Daemon) -> Iterator[libvirt.virConnect]:
    """Another hand on the same host. The test driver forgets everything with its last connection."""
    connection = libvirt.open(daemon.uri)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def settings(daemon: Daemon) -> dict[str, object]:
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return {"libvirt_uri": daemon.uri, "interfaces": ["lo"], **ports}


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, object], libvirtd: libvirt.virConnect
) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("labs"))
    settings["state_dir"] = str(site.state_dir)
    service.start(site, settings)
    yield site
    service.stop(site)


Apply = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lab(call: Call, site: Site, tmp_path: Path) -> Iterator[Apply]:
    """`lab(text, "plan", …)` runs a command on a file of that text; its things go afterwards."""
    file = tmp_path / "lab.yaml"

    def run(text: str, *words: str) -> subprocess.CompletedProcess[str]:
        file.write_text(text)
        verb, *rest = words
        return call(" ".join([verb, str(file), *rest]))

    yield run
    for install in ask(site, "GET", "/installs"):
        if install["stage"] not in ("installed", "failed", "cancelled"):
            ask(site, "POST", f"/installs/{install['id']}/cancel")
    for _ in range(20):
        gone = run(f"lab: {file.read_text().split()[1]}\n", "apply", "--prune", "--yes")
        if "being made right now" not in gone.stderr:
            break
        time.sleep(0.5)  # one that was cancelled while it waited for its turn is taken back first
    assert gone.returncode == 0, gone.stderr


def ask(site: Site, method: str, path: str) -> Any:
    door = json.loads((site.state_dir / "api.json").read_text())
    headers = {"Authorization": f"Bearer {door['token']}"}
    answer = requests.request(method, f"{door['url']}/api/v1{path}", headers=headers, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def ended(site: Site, *names: str) -> None:
    for name in names:
        ask(site, "POST", f"/installs/{name}/cancel")


def shop(names: str = "web{01..03}", memory: int = 128, network: str = "default") -> str:
    return "lab: shop\n" + GUESTS.format(names=names, memory=memory, network=network)


def test_applied_twice_there_is_nothing_to_do_and_an_edit_is_seen(
    lab: Apply, site: Site, libvirtd: libvirt.virConnect
) -> None:
    assert (waiting := lab(shop(), "plan")).returncode == 3
    assert waiting.stdout.splitlines()[-1] == "3 to add, 0 to change, 0 to replace, 0 unchanged"
    assert lab(shop(), "apply").returncode == 0
    again = lab(shop(), "apply", "--detailed-exit-code")
    assert (again.returncode, again.stdout) == (0, "nothing to do: 3 unchanged\n")
    ended(site, "web01", "web02", "web03")

    domain = libvirtd.lookupByName("web02")
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    libvirtd.defineXML(xml.replace("<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>"))

    seen = lab(shop(), "plan")
    assert seen.returncode == 3
    assert "~ guest web02" in seen.stdout and "xml on_crash: restart → destroy" in seen.stdout
    serial = xml.split("<entry name='serial'>")[1].split("<")[0]
    assert serial not in seen.stdout
    mended = lab(shop(), "apply", "--detailed-exit-code")
    assert (mended.returncode, mended.stderr) == (3, "")
    now = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    assert "<on_crash>destroy</on_crash>" in now and serial in now
    assert lab(shop(), "plan").returncode == 0


def test_memory_is_changed_in_place_and_what_left_the_file_is_pruned(
    lab: Apply, call: Call, site: Site, libvirtd: libvirt.virConnect
) -> None:
    lab(shop(), "apply")
    ended(site, "web01", "web02", "web03")

    fewer = shop("web{01..02}", memory=192)
    assert lab(fewer, "plan").stdout.splitlines()[-1] == (
        "0 to add, 2 to change, 0 to replace, 0 unchanged, 1 would go with --prune"
    )
    assert lab(fewer, "apply").returncode == 0
    assert libvirtd.lookupByName("web03")
    inactive = libvirtd.lookupByName("web01").XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert "<memory unit='KiB'>196608</memory>" in inactive

    call("guest start web03")
    asked = lab(fewer, "apply", "--prune")
    assert asked.returncode == 1
    assert "guest web03 (running)" in asked.stderr and "--yes" in asked.stderr
    assert (
        lab(fewer, "apply", "--prune", "--yes").stdout.splitlines()[0] == "guest web03: removed with its disk"
    )
    assert sorted(d.name() for d in libvirtd.listAllDomains()) == ["test", "web01", "web02"]


def test_a_host_that_is_down_holds_up_no_other(lab: Apply, site: Site) -> None:
    with daemon_of_our_own() as rack:
        far = f"hosts:\n  - {{name: rack, uri: '{rack.uri}'}}\n" + GUESTS.format(
            names="far, on: rack}", memory=128, network="default"
        ).replace("  - name: far, on: rack}", "  - name: far\n    on: rack")
        text = "lab: two\n" + far + shop("near").split("guests:\n")[1]
        rack.kill()
        first = lab(text, "apply")
        assert first.returncode == 1
        assert "guest near: install" in first.stdout
        assert "left: guest far: " in first.stderr
        rack.start()
        kept = libvirt.open(rack.uri)
        end = time.monotonic() + 30
        while (second := lab(text, "apply")).returncode and time.monotonic() < end:
            time.sleep(0.5)
        assert (second.returncode, second.stderr) == (0, "")
        assert [d.name() for d in kept.listAllDomains() if d.name() != "test"] == ["far"]
        ended(site, "far", "near")
        lab("lab: two\n", "apply", "--prune", "--yes")
        kept.close()


def test_a_service_that_was_killed_in_the_middle_goes_on_and_doubles_nothing(
    lab: Apply, site: Site, settings: dict[str, object], libvirtd: libvirt.virConnect
) -> None:
    text = shop("kill{01..24}")
    names = [f"kill{number:02}" for number in range(1, 25)]

    def there() -> list[str]:
        return sorted(d.name() for d in libvirtd.listAllDomains() if d.name() != "test")

    running = threading.Thread(target=lab, args=(text, "apply"))
    running.start()
    while len(there()) < 6:
        time.sleep(0.002)
    os.kill(service.running(site), signal.SIGKILL)
    running.join()
    cut_off = len(there())
    service.start(site, settings)

    after = lab(text, "apply")

    assert (after.returncode, after.stderr) == (0, "")
    assert there() == names
    pool = libvirtd.storagePoolLookupByName("default-pool")
    assert len(pool.listVolumes()) == len(names)
    assert lab(text, "plan").returncode == 0
    print(f"{cut_off} of {len(names)} were there when the service was killed")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lab: shop\nguests:\n  - name: web1\n    memroy: 5\n", "lab.yaml:4:5: "),
        ("lab: shop\nguests: [\n", "lab.yaml:"),
        (
            "lab: shop\nguests:\n  - {name: a, cdrom: /dev/sr0, mac: '52:54:00:00:00:09'}\n"
            "  - {name: b, cdrom: /dev/sr0, mac: '52-54-00-00-00-09'}\n",
            "lab.yaml:4:",
        ),
    ],
    ids=["a word that is not known", "no YAML", "two guests with one MAC"],
)
def test_what_is_wrong_in_a_file_is_told_at_its_line(
    call: Call, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(text)
    for verb in ("plan", "apply"):
        ran = call(f"{verb} {file}")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert said in ran.stderr.splitlines()[0]
        assert "Traceback" not in ran.stderr


def test_the_schema_is_printed_without_a_service() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "provisioner", "plan", "--schema"], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0
    assert json.loads(ran.stdout)["title"]
