"""The snippets in the servers they are for: each asked by recorded firmware what it would have it boot."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.netboot import packet as codec
from provisioner.plan.snippet import Server, snippet
from tests.edges.netboot.spaces import BROADCAST, Network, needs_namespaces, network
from tests.edges.netboot.test_networks import question

pytestmark = needs_namespaces
OURS = "192.168.181.1"
ROOT = f"http://{OURS}:8080/boot"
FILES = {
    "bios-rom-1": f"{ROOT}/ipxe",
    "uefi-rom-1": f"{ROOT}/ipxe",
    "uefi-pxe-1": "snponly.efi",
    "uefi-http-1": f"{ROOT}/snponly.efi",
}
POOL = "192.168.181.50", "192.168.181.99"


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with network() as made:
        yield made


def dnsmasq(place: Path, text: str) -> list[str]:
    (place / "conf").write_text(f"{text}\ndhcp-range={','.join(POOL)}\n")
    return [
        *("dnsmasq", "-k", "--port=0", "--interface=pvbr0", "--bind-interfaces", "--no-ping", "--user=root"),
        *(f"--dhcp-leasefile={place / 'leases'}", f"--pid-file={place / 'pid'}", "-C", str(place / "conf")),
    ]


def isc(place: Path, text: str) -> list[str]:
    subnet = f"subnet 192.168.181.0 netmask 255.255.255.0 {{ range {' '.join(POOL)}; }}"
    (place / "conf").write_text(f"{text}\nauthoritative;\nping-check false;\n{subnet}\n")
    (place / "leases").touch()
    return [
        *("dhcpd", "-4", "-f", "-d", "-cf", str(place / "conf"), "-lf", str(place / "leases")),
        *("-pf", str(place / "pid"), "pvbr0"),
    ]


def kea(place: Path, text: str) -> list[str]:
    more = f"""
    "interfaces-config": {{"interfaces": ["pvbr0"]}},
    "lease-database": {{"type": "memfile", "persist": false}},
    "subnet4": [{{"subnet": "192.168.181.0/24", "pools": [{{"pool": "{" - ".join(POOL)}"}}]}}],
    """
    (place / "conf").write_text(text.replace('"Dhcp4": {', '"Dhcp4": {' + more))
    return ["kea-dhcp4", "-c", str(place / "conf")]


SERVERS: dict[Server, Callable[[Path, str], list[str]]] = {"dnsmasq": dnsmasq, "isc": isc, "kea": kea}


@contextmanager
def running(net: Network, words: list[str], place: Path) -> Iterator[Path]:
    log = place / "log"
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
        "KEA_LOCKFILE_DIR": str(place), "KEA_PIDFILE_DIR": str(place),
    }  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["ip", "netns", "exec", net.server, *words], stdout=out, stderr=out, env=environment
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("server", SERVERS)
def test_each_firmware_is_told_its_file(net: Network, server: Server, tmp_path: Path) -> None:
    program = {"dnsmasq": "dnsmasq", "isc": "dhcpd", "kea": "kea-dhcp4"}[server]
    if shutil.which(program, path="/usr/sbin:/usr/bin") is None:
        pytest.skip(f"{program} is not installed")
    words = SERVERS[server](tmp_path, snippet(server, OURS, 8080, "here", ""))

    told = {}
    with running(net, words, tmp_path) as log:
        for number, name in enumerate(FILES, 1):
            told[name] = _file(net, name, 1000 + number, log)

    assert told == FILES


def _file(net: Network, name: str, xid: int, log: Path) -> str:
    """What a server that may still be starting answers a recorded DISCOVER."""
    end = time.monotonic() + 20
    with net.client_socket() as sock:
        sock.settimeout(0.5)
        while time.monotonic() < end:
            sock.sendto(question(name, xid), (BROADCAST, 67))
            try:
                found = codec.reply(sock.recv(2048))
            except TimeoutError:
                continue
            if found is not None and found.xid == xid:
                return found.answer.file
    raise AssertionError(f"{name}: no answer\n{log.read_text()}")
