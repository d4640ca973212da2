"""Answer files: to the right token only, and "served" only when the client has it whole."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.install import Kind, Stage
from provisioner.service.ports import Token
from provisioner.service.tokens import digest
from tests.edges.web.world import ANSWER, SECRET, World, now


async def test_a_whole_get_is_served_and_recorded(world: World) -> None:
    install = await world.install()

    status, body, headers = await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg")

    assert (status, body.decode()) == (200, ANSWER)
    assert headers["Content-Length"] == str(len(ANSWER))
    assert headers["Cache-Control"] == "no-store"
    await world.until(Kind.ANSWER_SERVED)
    after = await world.store.install(install.id)
    assert after.stage is Stage.INSTALLING
    assert after.answered is not None
    assert after.address == "127.0.0.1"
    event = (await world.store.events(install=install.id, kinds=[Kind.ANSWER_SERVED]))[0]
    assert event.data == {"file": "ks.cfg", "bytes": len(ANSWER), "address": "127.0.0.1"}


async def test_what_was_served_is_kept_to_be_compared(world: World) -> None:
    install = await world.install()
    await world.get(f"/answer/{world.token(install, 'answer')}/meta-data")
    await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg")
    await world.until(Kind.ANSWER_SERVED)
    await asyncio.sleep(0.05)

    assert world.differences.kept == [
        (install.id, "ks.cfg", f"http://127.0.0.1:{world.guest_port}", "rootpw ***\n")
    ]


async def test_what_did_not_pass_its_check_is_told_where_it_is_served(world: World) -> None:
    install = await world.install()
    world.answers.unchecked = "line 3: Unknown command: foo"
    await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg")
    await world.until(Kind.ANSWER_SERVED)
    event = (await world.store.events(install=install.id, kinds=[Kind.ANSWER_SERVED]))[0]

    assert event.data["unchecked"] == "line 3: Unknown command: foo"
    assert event.text == (
        "ks.cfg to 127.0.0.1, which did not pass its check (--no-lint): line 3: Unknown command: foo"
    )


async def test_what_belongs_beside_the_answer_file_changes_nothing(world: World) -> None:
    install = await world.install()
    token = world.token(install, "answer")

    for file in ("meta-data", "vendor-data", "network-config"):
        assert (await world.get(f"/answer/{token}/{file}"))[:2] == (200, f"{file} of {install.id}\n".encode())
    await asyncio.sleep(0.2)

    assert Kind.ANSWER_SERVED not in await world.kinds(install.id)
    assert (await world.store.install(install.id)).answered is None
    assert (await world.get("/answer/garbage/meta-data"))[0] == 404


async def test_a_head_changes_nothing(world: World) -> None:
    install = await world.install()

    status, body, headers = await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg", method="HEAD")

    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(ANSWER))
    await asyncio.sleep(0.2)
    assert await world.store.install(install.id) == install


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "power cut"])
async def test_a_broken_transfer_changes_nothing(world: World, reset: bool) -> None:
    """The file is far larger than what the client's kernel takes before it is read."""
    install = await world.install()
    world.answers.text = ANSWER + "#" * 8_000_000
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", world.guest_port))
    client.sendall(
        f"GET /answer/{world.token(install, 'answer')}/ks.cfg HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    )
    await asyncio.sleep(0.3)
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    if reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()

    await asyncio.sleep(0.5)

    assert Kind.ANSWER_SERVED not in await world.kinds(install.id)
    assert (await world.store.install(install.id)).answered is None


async def test_a_small_file_is_not_served_before_its_last_byte_is_acknowledged(world: World) -> None:
    """It fits into the sockets' buffers, so the server has written it all; the client takes none of it."""
    install = await world.install()
    world.answers.text = ANSWER + "#" * 60_000
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    client.connect(("127.0.0.1", world.guest_port))
    client.sendall(
        f"GET /answer/{world.token(install, 'answer')}/ks.cfg HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    )
    await asyncio.sleep(0.5)
    assert Kind.ANSWER_SERVED not in await world.kinds(install.id)

    client.setblocking(False)
    got = b""
    while len(got.partition(b"\r\n\r\n")[2]) < len(world.answers.text):
        got += await asyncio.get_running_loop().sock_recv(client, 65536)
    client.close()

    await world.until(Kind.ANSWER_SERVED)
    assert Kind.ANSWER_SERVED in await world.kinds(install.id)


async def test_a_client_that_closes_after_the_last_byte_is_served(world: World) -> None:
    install = await world.install()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    writer.write(f"GET /answer/{world.token(install, 'answer')}/ks.cfg HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()

    assert answer.endswith(ANSWER.encode())
    await world.until(Kind.ANSWER_SERVED)
    assert Kind.ANSWER_SERVED in await world.kinds(install.id)


async def test_repeats_are_served_again(world: World) -> None:
    install = await world.install()
    path = f"/answer/{world.token(install, 'answer')}/ks.cfg"

    for _ in range(3):
        assert (await world.get(path))[0] == 200


async def test_no_byte_without_the_right_token(world: World) -> None:
    install = await world.install()
    good = world.token(install, "answer")
    refused = {
        "none": "/answer/ks.cfg",
        "empty": "/answer//ks.cfg",
        "garbage": "/answer/garbage/ks.cfg",
        "another kind": f"/answer/{world.token(install, 'stub')}/ks.cfg",
        "another generation": f"/answer/{world.token(replace(install, generation=2), 'answer')}/ks.cfg",
        "one letter off": f"/answer/{'A' if good[0] != 'A' else 'B'}{good[1:]}/ks.cfg",
        "longer": f"/answer/{good}A/ks.cfg",
        "another file": f"/answer/{good}/preseed.cfg",
        "a folder": f"/answer/{good}/../ks.cfg",
    }
    for name, path in refused.items():
        status, body, _ = await world.get(path, headers={"X-RHN-Provisioning-MAC-0": f"eth0 {install.mac}"})
        assert status == 404, name
        assert SECRET.encode() not in body, name

    events = await world.store.events(kinds=[Kind.ANSWER_REFUSED])
    assert len(events) == len(refused)
    assert all(event.data["address"] == "127.0.0.1" for event in events)
    assert all(good not in event.text for event in events)
    assert (await world.store.install(install.id)).answered is None


async def test_an_expired_token_is_refused_with_an_event(world: World) -> None:
    install = await world.install()
    token = world.token(install, "answer")
    await world.store.put_token(digest(token), Token(install.id, "answer", now() - timedelta(seconds=1)))

    status, body, _ = await world.get(f"/answer/{token}/ks.cfg")

    assert status == 404
    assert SECRET.encode() not in body
    assert "expired" in (await world.store.events(kinds=[Kind.ANSWER_REFUSED]))[0].text


async def test_the_token_dies_with_the_install(world: World) -> None:
    install = await world.install()
    await world.event(Kind.CANCELLED, install.id)

    status, body, _ = await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg")

    assert status == 404
    assert SECRET.encode() not in body


async def test_forged_proxy_headers_name_nobody(world: World) -> None:
    install = await world.install()
    headers = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9", "X-Real-IP": "192.0.2.9"}

    await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg", headers=headers)

    await world.until(Kind.ANSWER_SERVED)
    assert (await world.store.install(install.id)).address == "127.0.0.1"


async def test_a_flood_of_refusals_is_cut_in_the_timeline(world: World) -> None:
    for number in range(60):
        assert (await world.get(f"/answer/guess{number}/ks.cfg"))[0] == 404

    assert len(await world.store.events(kinds=[Kind.ANSWER_REFUSED])) == 30
