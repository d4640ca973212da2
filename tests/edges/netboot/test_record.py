"""`provisioner netboot record` on a network of its own, while a client asks there; and where it cannot."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.boot.conversation import Malformed, Packet, Run, parse
from provisioner.core.install import Kind
from tests.edges.netboot.open_files import descriptors_of
from tests.edges.netboot.serving import LOADERS, inside
from tests.edges.netboot.spaces import BROADCAST, CLIENT_MAC, Network, needs_namespaces, network
from tests.edges.netboot.test_networks import answers, question, serving

OTHER = "52:54:00:7e:57:99"


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


def command(*words: str, space: str = "") -> list[str]:
    within = ["ip", "netns", "exec", space] if space else []
    return [*within, sys.executable, "-m", "provisioner", "netboot", "record", *words]


@contextmanager
def recording(
    net: Network, file: Path, *words: str, ends: int = signal.SIGINT, says: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """From the time that the command listens until it is told to end; it says nothing but `says`."""
    process = subprocess.Popen(
        command(net.bridge, "-w", str(file), *words, space=net.server),
        stderr=subprocess.PIPE,
    )
    try:
        for _ in range(3000):
            assert process.poll() is None, process.communicate()[1].decode()
            if _listens(net, process.pid):
                break
            time.sleep(0.01)
        yield process
    finally:
        process.send_signal(ends)
        said = process.communicate()[1].decode()
    assert (process.returncode, said) == (0, says)


def _listens(net: Network, pid: int) -> bool:
    """Whether the process has a packet socket that is bound to the bridge."""
    index = inside(net.server, lambda: socket.if_nametoindex(net.bridge))
    rows = inside(net.server, lambda: Path("/proc/thread-self/net/packet").read_text().splitlines()[1:])
    bound = {f"socket:[{row.split()[8]}]" for row in rows if row.split()[4] == str(index)}
    return any(what in bound for what in descriptors_of(pid))


def read(file: Path) -> list[Packet]:
    found = parse(file.read_text())
    assert not isinstance(found, Malformed), str(found)
    assert found.client == CLIENT_MAC
    return [*found.packets]


def fetch(net: Network) -> None:
    """Asks by DHCP, then fetches a loader in windows."""
    with net.client_socket(port=68) as sock:
        asks = question("uefi-pxe-1", 7)
        for mac in (OTHER, CLIENT_MAC):
            ours, its = (bytes.fromhex(each.replace(":", "")) for each in (CLIENT_MAC, mac))
            sock.sendto(asks.replace(ours, its), (BROADCAST, 67))
            answers(sock, 7, 1)
    net.give_client("192.168.181.50")
    with net.client_socket("192.168.181.50", 2070) as sock:
        sock.sendto(b"\0\1snponly.efi\0octet\0blksize\x001428\0windowsize\x0016\0", (net.address, 69))
        oack, peer = sock.recvfrom(2048)
        assert oack[:2] == b"\0\6"
        sock.sendto(b"\0\4\0\0", peer)
        number = 0
        while number < len(LOADERS["snponly.efi"]) // 1428 + 1:
            data = sock.recv(2048)
            number = int.from_bytes(data[2:4], "big")
            if number % 16 == 0 or len(data) < 1432:
                sock.sendto(b"\0\4" + data[2:4], peer)


@needs_namespaces
@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_one_machines_boot_is_written_down(net: Network, tmp_path: Path, ends: int) -> None:
    file = tmp_path / "boot.txt"
    with serving(net) as events, recording(net, file, "--mac", CLIENT_MAC, "--about", "a test", ends=ends):
        fetch(net)
        events.wait(Kind.LOADER_SENT)

    packets = read(file)
    assert [(each.sender, each.protocol, each.summary.split(",")[0]) for each in packets[:5]] == [
        ("client", "dhcp", "DISCOVER"),
        ("server", "dhcp", "OFFER of 192.168.181.1"),
        ("client", "tftp", "asks for snponly.efi"),
        ("server", "tftp", "agrees"),
        ("client", "tftp", "has block 0"),
    ]
    sent = [each.payload for each in packets if isinstance(each.payload, Run) and each.payload.kind == "DATA"]
    blocks, rest = divmod(len(LOADERS["snponly.efi"]), 1428)
    assert sent == [Run("DATA", 1, blocks, 1428), Run("DATA", blocks + 1, blocks + 1, rest)]
    assert file.stat().st_size < 5000


@needs_namespaces
def test_an_interface_that_goes_keeps_what_was_heard(net: Network, tmp_path: Path) -> None:
    file = tmp_path / "boot.txt"
    with recording(net, file, says=f"frames on {net.bridge} cannot be read: it is down\n") as process:
        with net.client_socket(port=68) as sock:
            sock.sendto(question("uefi-pxe-1", 7), (BROADCAST, 67))
        with net.client_socket(port=68) as sock:
            sock.sendto(question("uefi-pxe-2", 7), (BROADCAST, 67))
        net.drop_bridge()
        process.wait(30)

    assert [each.summary.split(",")[0] for each in read(file)] == ["DISCOVER", "REQUEST"]


@needs_namespaces
def test_nothing_heard_is_a_failure_that_says_what_to_do(net: Network) -> None:
    done = subprocess.run(
        command(net.bridge, "--for", "0.3", space=net.server), capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"error: nothing was heard of a machine that netboots on {net.bridge}\nremedy: "
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is told that frames need root")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nosuch0",), "error: there is no interface nosuch0 here\n"),
        (("lo", "--mac", "web1"), "error: 'web1' is not a MAC address"),
        (("lo", "--for", "0"), "error: "),
    ],
)
def test_what_cannot_be_recorded_is_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    done = subprocess.run(command(*words), capture_output=True, text=True, check=False)

    assert done.returncode in (1, 2)
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr


AS_NOBODY = """
import os, sys
import provisioner.netboot.overhear, provisioner.netboot.transcript
from provisioner.cli.errors import run
from provisioner.cli.root import cli
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run(cli, ["netboot", "record", "lo"]))
"""


def test_an_ordinary_user_is_told_what_it_takes() -> None:
    done = subprocess.run([sys.executable, "-c", AS_NOBODY], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: frames on lo may not be read by this user\nremedy: run it as root, or with CAP_NET_RAW\n"
    )
