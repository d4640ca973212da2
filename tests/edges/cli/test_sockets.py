"""Who holds a port, seen on real sockets, and the service's refusal that names them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.cli.demo.site import free_ports
from provisioner.cli.serve import load
from provisioner.cli.sockets import Door, check_free, holders, is_free
from provisioner.core.errors import Conflict, Invalid

HERE = Path(__file__).resolve().parents[3]


def test_a_listener_is_found_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (holder,) = holders("tcp", port)

        assert (holder.address, holder.pid) == ("127.0.0.1", os.getpid())
        assert holders("udp", port) == []
    assert holders("tcp", port) == []


def test_a_connection_is_no_listener() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert holders("tcp", client.getsockname()[1]) == []


def test_udp_and_ipv6_are_seen() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.bind(("::1", 0))
        (holder,) = holders("udp", server.getsockname()[1])

        assert (holder.address, holder.pid) == ("::1", os.getpid())


def test_a_program_in_python_is_called_by_its_own_name(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    program = tmp_path / "hoarder"
    program.write_text(
        f"import socket, sys\ns = socket.create_server(('127.0.0.1', {port}))\nprint('up', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "up\n"
        (holder,) = holders("tcp", port)
        assert child.stdin is not None
        child.stdin.close()

    assert str(holder) == f"hoarder (pid {child.pid})"


def test_a_taken_port_is_refused_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = load(state_dir=tmp_path, interfaces=["none*"], api_port=port)
        with pytest.raises(Conflict) as raised:
            check_free(settings)

    assert str(raised.value).startswith(f"TCP port {port} on 127.0.0.1 is in use by ")
    assert f"(pid {os.getpid()})" in str(raised.value)
    assert "--api-port" in raised.value.remedy


def test_an_address_that_is_not_ours_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"cannot be opened on 192\.0\.2\.1"):
        is_free(Door("tcp", "192.0.2.1", 8081, "--api-port"))


@pytest.mark.skipif(os.geteuid() != 0, reason="the same address twice needs root's port 67 elsewhere")
def test_udp_ports_are_not_shared_but_dhcp_is() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]

        assert not is_free(Door("udp", "127.0.0.1", port, ""))
        assert is_free(Door("udp", "127.0.0.1", port, "", device="lo"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_rights_it_says_so() -> None:
    code = (
        "import os\n"
        "from provisioner.cli.sockets import Door, is_free\n"
        "from provisioner.core.errors import Denied\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: is_free(Door('udp', '127.0.0.1', 69, ''))\n"
        "except Denied as error: print(error)\n"
    )
    limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip()
    if int(limit) <= 69:
        pytest.skip("ports below 1024 are free for all here")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HERE, check=False)

    assert done.stdout == "opening UDP port 69 needs root\n", done.stderr
