"""TFTP over real sockets: tftpy's own client, hand-made hostile ones, and a lossy one with a ROM's timers."""

import hashlib
import io
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tftpy
from tftpy.TftpShared import TftpException

from provisioner.boot.client import Ignore, Local
from provisioner.core.install import Kind
from provisioner.netboot.tftp import Limits
from tests.edges.netboot.clients import RRQ, ack, client, fetch
from tests.edges.netboot.serving import LOADERS, Events, tftp

HERE = Local("lo", "127.0.0.1")
TftpClient: Any = vars(tftpy)["TftpClient"]  # untyped


def refuse(name: str, address: str, local: Local) -> bytes | Ignore | None:
    return Ignore("boot your disk: the answer file of install i1 was served")


@pytest.mark.parametrize("options", [{}, {"blksize": 1428}, {"tsize": 0, "blksize": 512}, {"blksize": 8192}])
@pytest.mark.parametrize("name", LOADERS)
def test_tftpys_own_client_gets_the_file_whole(port: int, name: str, options: dict[str, int]) -> None:
    got = io.BytesIO()
    got.close = lambda: None  # type: ignore[method-assign]  # its client closes what it filled
    TftpClient("127.0.0.1", port, options).download(name, got)

    assert got.getvalue() == LOADERS[name]


def test_a_fetch_is_told_with_its_figures(port: int, events: Events) -> None:
    fetch(port, b"snponly.efi")

    (sent,) = events.wait(Kind.LOADER_SENT)
    size = len(LOADERS["snponly.efi"])
    assert sent.text.startswith(f"snponly.efi: {size} bytes in ")
    assert (sent.data["bytes"], sent.data["blksize"], sent.data["windowsize"]) == (size, 1428, 1)
    assert {"seconds", "retransmissions", "address", "interface"} <= set(sent.data)


def test_a_size_query_that_ends_in_error_is_no_failure(port: int, events: Events) -> None:
    with client() as sock:
        sock.sendto(
            RRQ % b"snponly.efi" + b"tsize\x000\0blksize\x001468\0windowsize\x004\0", ("127.0.0.1", port)
        )
        data, peer = sock.recvfrom(2048)
        assert data == b"\0\6blksize\x001468\0tsize\x00%d\0windowsize\x004\0" % len(LOADERS["snponly.efi"])
        sock.sendto(b"\0\5\0\x08User aborted\0", peer)
    fetch(port, b"undionly.kpxe")

    assert len(events.wait(Kind.LOADER_SENT)) == 1
    assert events.of(Kind.LOADER_FAILED) == []


@pytest.mark.parametrize(
    "name", [b"autoexec.ipxe", b"/revocations_sku.efi", b"EFI/BOOT/shim_certificate_0.efi"]
)
def test_what_loaders_do_without_is_not_found_and_not_told(port: int, events: Events, name: bytes) -> None:
    with client() as sock:
        sock.sendto(RRQ % name, ("127.0.0.1", port))
        assert sock.recv(2048) == b"\0\5\0\1no file %s here\0" % name.lstrip(b"/")
        sock.sendto(RRQ % b"grubx64.efi", ("127.0.0.1", port))
        assert sock.recv(2048) == b"\0\5\0\1no file grubx64.efi here\0"

    assert [event.text for event in events.wait(Kind.LOG)] == ["no file 'grubx64.efi' here"]
    assert events.of(Kind.LOADER_FAILED) == []


WRITES = (b"\0\2snponly.efi\0octet\0", b"\0\2/etc/passwd\0netascii\0", b"\0\2", b"\0\2" + b"\xff" * 400)


@pytest.mark.parametrize("request_", WRITES)
def test_writes_are_refused(port: int, request_: bytes) -> None:
    with client() as sock:
        for _ in range(250):
            sock.sendto(request_, ("127.0.0.1", port))
            assert sock.recv(2048) == b"\0\5\0\2this server takes no files\0"


def test_tftpys_client_cannot_upload_either(port: int, tmp_path: Path) -> None:
    file = tmp_path / "new"
    file.write_bytes(b"data")

    with pytest.raises(TftpException):
        TftpClient("127.0.0.1", port).upload("new", str(file))


def names() -> list[bytes]:
    """Five hundred ways to ask for what is outside."""
    ups = [
        b"..",
        b"../..",
        b"..\\..",
        b"%2e%2e",
        b"%252e%252e",
        b"....//",
        b"./.",
        b"/..",
        b"\\..",
        b"x/../..",
    ]
    roots = [
        b"",
        b"/",
        b"//",
        b"\\",
        b"C:\\",
        b"file://",
        b"/boot/",
        b"~/",
        b"/proc/self/root/",
        b"snponly.efi/",
    ]
    ends = [b"etc/passwd", b"etc\\shadow", b"proc/self/environ", b"dev/zero", b"root/.ssh/id_rsa"]
    return [b"%b%b/%b" % (root, up, end) for root in roots for up in ups for end in ends]


def test_no_name_leads_outside(port: int) -> None:
    assert len(names()) == 500
    with client() as sock:
        for name in names():
            sock.sendto(RRQ % name, ("127.0.0.1", port))
            assert sock.recv(2048).startswith(b"\0\5\0\1no file")


def test_spellings_of_a_name_that_is_here(port: int) -> None:
    for name in (b"/snponly.efi", b"////snponly.efi", b"\\snponly.efi"):
        assert fetch(port, name) == LOADERS["snponly.efi"]


def test_netascii_is_refused(port: int) -> None:
    with client() as sock:
        sock.sendto(b"\0\1snponly.efi\0netascii\0", ("127.0.0.1", port))
        assert sock.recv(2048) == b"\0\5\0\4only mode octet is served\0"


def test_a_machine_that_boots_its_disk_is_told_so(events: Events) -> None:
    with tftp(events, give=refuse) as server, client() as sock:
        for _ in range(3):
            sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", server.port))
            assert sock.recv(2048).startswith(b"\0\5\0\0boot your disk: the answer file")

    assert len(events.of(Kind.LOCAL_BOOT)) == 1


def test_a_loader_callable_that_fails_ends_nothing(events: Events) -> None:
    def broken(name: str, address: str, local: Local) -> bytes | Ignore | None:
        if name == "boom":
            raise RuntimeError(name)
        return LOADERS.get(name)

    with tftp(events, give=broken) as server, client() as sock:
        sock.sendto(RRQ % b"boom", ("127.0.0.1", server.port))
        assert fetch(server.port, b"snponly.efi") == LOADERS["snponly.efi"]


def test_another_port_gets_error_5_and_changes_nothing(port: int) -> None:
    with client() as sock, client() as stranger:
        sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", port))
        content, expected = b"", 1
        while True:
            data, peer = sock.recvfrom(2048)
            if data[2:4] != struct.pack("!H", expected):
                continue  # a repeat
            for lie in (ack(expected), ack(expected + 1), b"\0\3\0\1x"):
                stranger.sendto(lie, peer)
                assert stranger.recv(2048) == b"\0\5\0\5unknown transfer\0"
            stranger.sendto(b"\0\5\0\0stop\0", peer)  # an error is never answered with an error
            content += data[4:]
            sock.sendto(ack(expected), peer)
            expected += 1
            if len(data) < 516:
                break
        stranger.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stranger.recv(2048)

    assert content == LOADERS["snponly.efi"]


def test_the_answer_comes_from_the_address_that_was_asked(events: Events) -> None:
    with tftp(events, address="127.0.0.9") as server, client() as sock:
        sock.sendto(RRQ % b"snponly.efi", ("127.0.0.9", server.port))
        _, peer = sock.recvfrom(2048)
        sock.sendto(b"\0\5\0\0enough\0", peer)

    assert peer[0] == "127.0.0.9"
    assert peer[1] != server.port


def test_the_same_request_twice_is_one_transfer(port: int) -> None:
    with client() as sock:
        for _ in range(3):
            sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", port))
        _, first = sock.recvfrom(2048)
        sock.sendto(ack(1), first)
        while True:
            data, peer = sock.recvfrom(2048)
            assert peer == first
            if data[2:4] == b"\0\2":
                break
        sock.sendto(b"\0\5\0\0enough\0", first)


def test_a_transfer_that_another_of_the_same_port_replaces_is_told(port: int, events: Events) -> None:
    with client() as sock:
        sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", port))
        _, peer = sock.recvfrom(2048)
        sock.sendto(ack(1), peer)
        assert sock.recv(2048)[:4] == b"\0\3\0\2"
        sock.sendto(RRQ % b"undionly.kpxe", ("127.0.0.1", port))
        assert sock.recv(2048)[:4] == b"\0\3\0\1"
        (told,) = events.wait(Kind.LOADER_FAILED)

    assert told.text.startswith("snponly.efi: the client gave up after ")
    assert told.text.endswith("it asked anew from the same port")


def test_abandoned_requests_of_one_address_do_not_shut_out_another(events: Events) -> None:
    limits = Limits(client=16, total=20)
    with tftp(events, limits=limits) as server:
        abandoned = [client() for _ in range(300)]
        try:
            for sock in abandoned:
                sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", server.port))
                sock.recv(2048)
            assert server.transfers <= 16

            assert fetch(server.port, b"snponly.efi") == LOADERS["snponly.efi"]
        finally:
            for sock in abandoned:
                sock.close()


def test_running_transfers_are_not_pushed_out(events: Events) -> None:
    with (
        tftp(events, limits=Limits(client=2, total=2)) as server,
        client() as one,
        client() as two,
        client() as late,
    ):
        for sock in (one, two):
            sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", server.port))
            _, peer = sock.recvfrom(2048)
            sock.sendto(ack(1), peer)
            assert sock.recv(2048)[3] == 2
        late.sendto(RRQ % b"snponly.efi", ("127.0.0.1", server.port))
        assert late.recv(2048) == b"\0\5\0\0too many transfers; try again\0"


@pytest.mark.parametrize("loss", [0.01, 0.05])
def test_ten_clients_at_once_through_loss(port: int, events: Events, loss: float) -> None:
    with ThreadPoolExecutor(10) as pool:
        got = list(pool.map(lambda seed: fetch(port, b"snponly.efi", loss, seed), range(10)))

    want = hashlib.sha256(LOADERS["snponly.efi"]).digest()
    assert all(hashlib.sha256(content).digest() == want for content in got)
    sent = events.wait(Kind.LOADER_SENT, 5)  # the others may wait for a last ACK that was lost
    assert sum(int(str(event.data["retransmissions"])) for event in sent) > 0


def test_closing_ends_transfers_and_frees_every_descriptor(events: Events) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with tftp(events) as server, client() as sock:
        sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", server.port))
        _, peer = sock.recvfrom(2048)
        sock.sendto(ack(1), peer)
        assert sock.recv(2048)[3] == 2
        assert server.transfers == 1

    assert server.transfers == 0
    assert len(list(Path("/proc/self/fd").iterdir())) == before
