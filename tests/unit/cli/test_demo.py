"""The demo's parts that need no guest: its subnet, ports, lock, process, mirror and keys."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.cli.demo import mirror, service
from provisioner.cli.demo.login import make_key
from provisioner.cli.demo.site import Site, free_ports, free_subnet, only_one
from provisioner.cli.endpoint import DEMO_DIR
from provisioner.core.errors import Conflict, Invalid, Unavailable
from tests.unit.cli.conftest import Provisioner

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t005AA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
br0\t005CA8C0\t00000000\t0001\t0\t0\t0\t00FEFFFF\t0\t0\t0
"""


def test_the_first_subnet_that_nobody_uses(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text(ROUTES)  # 192.168.90.0/24 and 192.168.92.0/23

    assert str(free_subnet([], routes)) == "192.168.91.1/24"
    assert str(free_subnet(["192.168.91.1/24", "fd00::1/64"], routes)) == "192.168.94.1/24"


def test_no_subnet_is_left(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text("Iface\n")

    with pytest.raises(Unavailable, match="no subnet"):
        free_subnet(["192.168.0.1/16"], routes)


def test_free_ports_are_free_by_tcp_and_udp() -> None:
    ports = free_ports(3)

    assert len(set(ports)) == 3
    for port in ports:
        with socket.create_server(("", port)), socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.bind(("", port))


def test_a_demo_elsewhere_has_names_of_its_own() -> None:
    usual, other = Site(DEMO_DIR), Site(Path("/srv/demo"))

    assert (usual.network, usual.bridge, usual.name("demo1")) == ("provisioner-demo", "prvdemo0", "demo1")
    assert other.network.startswith("provisioner-demo-") and other.name("demo1") != "demo1"
    assert len(other.bridge) <= 15  # what the kernel allows


def test_two_demos_at_once_are_refused(tmp_path: Path) -> None:
    site = Site(tmp_path / "demo")
    with only_one(site), pytest.raises(Conflict, match="another demo"), only_one(site):
        pass
    with only_one(site):
        pass


def test_a_service_that_cannot_start_is_told_with_its_words(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Unavailable, match=f"ended at once: TCP port {port} on 127.0.0.1 is in use by"):
            service.start(site, {"state_dir": str(tmp_path), "interfaces": ["none*"], "api_port": port})

    assert not service.stop(site)


def test_a_process_is_stopped_only_while_it_is_the_same(tmp_path: Path) -> None:
    site = Site(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    born = service._born(child.pid)

    site.process.write_text(f'{{"pid": {child.pid}, "born": "1"}}')
    assert (service.running(site), service.stop(site), child.poll()) == (0, False, None)
    site.process.write_text(f'{{"pid": {child.pid}, "born": "{born}"}}')
    assert (service.running(site), service.stop(site)) == (child.pid, True)
    assert not site.process.exists()
    assert child.wait(5) is not None
    assert child.stdin is not None
    child.stdin.close()


def test_a_mirror_is_a_url_or_a_directory(tmp_path: Path) -> None:
    (tmp_path / "dists/trixie").mkdir(parents=True)

    assert mirror.find("http://m.example/debian/") == ("http://m.example/debian", "")
    assert mirror.find(str(tmp_path)) == (str(tmp_path), "")
    with pytest.raises(Invalid, match="is not a Debian mirror that holds trixie"):
        mirror.find(str(tmp_path / "dists"))


APT = """\
#!/bin/sh
echo 'Debian|Debian-Security|http://s.example/debian-security'
echo 'Debian|Debian|http://m.example/debian/'
"""


def test_a_mirror_without_a_signature_is_known(tmp_path: Path) -> None:
    suite = tmp_path / "dists/trixie"
    suite.mkdir(parents=True)

    assert mirror.signed("http://m.example/debian")
    assert not mirror.signed(str(tmp_path))
    (suite / "InRelease").touch()
    assert mirror.signed(str(tmp_path))


def test_else_the_mirror_that_apt_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apt-get"
    program.write_text(APT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert mirror.find("") == ("http://m.example/debian", "")
    program.write_text("#!/bin/sh\n")
    with pytest.raises(Unavailable, match="no Debian mirror"):
        mirror.find("")
    monkeypatch.setenv("PATH", str(tmp_path))
    program.unlink()
    with pytest.raises(Unavailable, match="is not apt"):
        mirror.find("")


def test_a_key_is_made_anew_and_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "ssh" / "key"

    first, second = make_key(path, "demo"), make_key(path, "demo")

    assert first != second and second.startswith("ssh-ed25519 ") and second.endswith(" demo")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is let so far")
def test_clean_where_no_demo_was(
    provisioner: Provisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = provisioner("demo", "--clean", "--state-dir", str(tmp_path / "demo"))

    assert (ran.code, ran.out, ran.err) == (0, "there is nothing to remove\n", "")
    assert not (tmp_path / "demo").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user is told to be root first")
def test_a_host_without_libvirt_is_said(
    provisioner: Provisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+unix:///system?socket=/nowhere")

    ran = provisioner("demo", "--state-dir", str(tmp_path / "demo"))

    assert ran.code == 1
    assert ran.err.startswith("error: qemu+unix:///system?socket=/nowhere does not answer")
    assert not (tmp_path / "demo").exists()
