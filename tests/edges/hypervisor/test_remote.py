"""Hosts that are reached over ssh and TLS: real servers of our own on loopback, with keys made for them."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.hypervisor.connection import LibvirtHost
from tests.edges.hypervisor.daemon import Daemon, daemon_of_our_own
from tests.edges.hypervisor.samples import eventually
from tests.lab.waiting import free_port

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")
SSHD_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/id.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
"""
TLS = """
listen_tls = 1
listen_addr = "127.0.0.1"
tls_port = "{port}"
auth_tls = "none"
ca_file = "{folder}/cacert.pem"
cert_file = "{folder}/servercert.pem"
key_file = "{folder}/serverkey.pem"
tls_no_verify_certificate = 1
"""


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def ssh() -> AsyncIterator[tuple[Path, int]]:
    """The folder with the keys, and the port of an sshd that takes them."""
    if SSHD is None or os.geteuid() != 0:
        pytest.skip("no sshd is installed here, or this is not root")
    folder, port = Path(tempfile.mkdtemp(prefix="provisioner-sshd-")), free_port()
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    kind, key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "config").write_text(SSHD_CONFIG.format(port=port, folder=folder))
    Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    try:
        await eventually(lambda: listening(port))
        yield folder, port
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def wrapper(folder: Path) -> Path:
    """ssh that knows the server's key: libvirt has no parameter for that with this transport."""
    script = folder / "ssh"
    script.write_text(f'#!/bin/sh\nexec ssh -o UserKnownHostsFile={folder}/known "$@"\n')
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("transport", ["ssh", "libssh2"])
async def test_a_host_over_ssh_is_the_same_host(
    ssh: tuple[Path, int], system: LibvirtHost, transport: str
) -> None:
    folder, port = ssh
    ways = {
        "ssh": f"no_tty=1&command={wrapper(folder)}",
        "libssh2": f"known_hosts={folder}/known&sshauth=privkey",
    }
    uri = f"qemu+{transport}://root@127.0.0.1:{port}/system?keyfile={folder}/id&{ways[transport]}"
    far = LibvirtHost(uri, allow_unsafe=transport == "ssh")
    try:
        theirs, ours = await far.facts(), await system.facts()
        node = await far.node()
    finally:
        await far.close()

    assert {pool.name for pool in theirs.pools} == {pool.name for pool in ours.pools}
    assert {network.name for network in theirs.networks} >= {"default"}
    assert (theirs.emulator, theirs.machine, theirs.firmwares) == (
        ours.emulator,
        ours.machine,
        ours.firmwares,
    )
    assert node == await system.node()


async def test_a_server_with_another_key_is_not_talked_to(ssh: tuple[Path, int]) -> None:
    folder, port = ssh
    (folder / "known").write_text((folder / "known").read_text().replace("AAAA", "AAAB", 1))
    query = f"keyfile={folder}/id&known_hosts={folder}/known&sshauth=privkey"
    far = LibvirtHost(f"qemu+libssh2://root@127.0.0.1:{port}/system?{query}")
    try:
        with pytest.raises(Unavailable):
            await far.open()
    finally:
        await far.close()


def certificates(folder: Path) -> None:
    """An authority, and a certificate of 127.0.0.1 that it signed, for both ends."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "cacert.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for end in ("server", "client"):
        openssl(*new, "-subj", f"/CN={end}", "-keyout", f"{end}key.pem", "-out", f"{end}.csr")
        signed = (
            "-CA",
            "cacert.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
        )
        openssl("x509", "-req", "-in", f"{end}.csr", *signed, "-out", f"{end}cert.pem")
    for file in folder.glob("*key.pem"):
        file.chmod(0o644)  # the daemon runs as nobody; these keys are good for this test


@pytest.fixture
def tls() -> Iterator[tuple[Daemon, Path, int]]:
    folder, port = Path(tempfile.mkdtemp(prefix="provisioner-tls-", dir="/tmp")), free_port()
    folder.chmod(0o755)
    certificates(folder)
    with daemon_of_our_own(TLS.format(port=port, folder=folder), "--listen") as daemon:
        yield daemon, folder, port
    shutil.rmtree(folder)


async def test_a_host_over_tls_answers_and_is_found_again(tls: tuple[Daemon, Path, int]) -> None:
    daemon, folder, port = tls
    await eventually(lambda: listening(port))
    far = LibvirtHost(f"test+tls://127.0.0.1:{port}/default?pkipath={folder}")
    try:
        assert [domain.name for domain in await far.domains()] == ["test"]
        daemon.kill()
        await eventually(lambda: not far.up)
        daemon.start()
        await eventually(lambda: far.up)
        assert [domain.name for domain in await far.domains()] == ["test"]
    finally:
        await far.close()


async def test_a_host_with_a_certificate_of_nobody_we_trust_is_not_talked_to(
    tls: tuple[Daemon, Path, int], tmp_path: Path
) -> None:
    _, _, port = tls
    await eventually(lambda: listening(port))
    certificates(tmp_path)
    far = LibvirtHost(f"test+tls://127.0.0.1:{port}/default?pkipath={tmp_path}")
    try:
        with pytest.raises(Unavailable, match="certificate"):
            await far.open()
    finally:
        await far.close()
