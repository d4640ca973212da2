"""A guest's life over HTTP: switches, console and screen by WebSocket, serial text, pictures, clones."""

import asyncio
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from provisioner.service.requests import CreateGuest
from provisioner.web import guest_pages
from provisioner.web.headers import CONTENT_SECURITY_POLICY
from tests.edges.web.life import PICTURE
from tests.edges.web.test_auth import login
from tests.edges.web.test_pages import PAYLOADS, Elements
from tests.edges.web.world import TOKEN, World

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def guest(world: World) -> str:
    await world.guests.create(CreateGuest("web1", "p"))
    return "web1"


def console(world: World, query: str = "", **options: Any) -> Any:
    url = URL(f"{world.people_root}/api/v1/guests/web1/{query or 'console'}")
    options.setdefault("headers", BEARER)
    return world.session.ws_connect(url, **options)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_several_clones_are_made_line_by_line(world: World, guest: str) -> None:
    asked = {"names": ["web2", "web3"], "kind": "full"}
    status, text, headers = await world.ask("POST", "/api/v1/guests/web1/clones", asked)
    lines = [json.loads(line) for line in text.splitlines()]

    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    assert [(line["name"], line["guest"]["state"]) for line in lines] == [
        ("web2", "shut off"),
        ("web3", "shut off"),
    ]
    assert world.guests.calls == ["clone web1 web2 full", "clone web1 web3 full"]

    _, text, _ = await world.ask("POST", "/api/v1/guests/nobody/clones", {"names": ["web4"]})
    assert json.loads(text)["status"] == 404
    assert (await world.ask("POST", "/api/v1/guests/web1/clones", {"names": []}))[0] == 422


async def test_a_guest_is_paused_reset_cloned_and_counted(world: World, guest: str) -> None:
    for verb in ("suspend", "resume", "reset"):
        status, done, _ = await world.ask("POST", f"/api/v1/guests/web1/{verb}")
        assert (status, list(done)) == (200, ["done"])
    status, made, _ = await world.ask("POST", "/api/v1/guests/web1/clone", {"name": "web2"})
    assert (status, made["name"], made["state"]) == (201, "web2", "shut off")
    await world.ask("POST", "/api/v1/guests/web1/clone", {"name": "web3", "kind": "full"})
    status, removal, _ = await world.ask("GET", "/api/v1/guests/web1/removal")

    assert status == 200
    assert world.life.calls == ["suspend web1", "resume web1", "reset web1"]
    assert world.guests.calls == ["clone web1 web2 linked", "clone web1 web3 full"]
    assert removal == {
        "guest": "web1",
        "steps": ["remove domain web1 (u) with its variable store", "delete volume web1-i1 in pool default"],
        "volumes": [{"pool": "default", "name": "web1-i1", "capacity": 2**30, "allocation": 2**20}],
        "stays": [
            {
                "volume": {"pool": "default", "name": "base", "capacity": 2**30, "allocation": 2**29},
                "users": ["web2-i2"],
            }
        ],
        "nvram": "/nvram/VARS.fd",
        "tpm": True,
    }


BAD = [
    ("POST", "/clone", {}, "name is missing"),
    ("POST", "/clone", {"name": "b", "kind": "copy"}, "kind must be one of 'linked' or 'full'"),
    ("POST", "/display", {"minutes": "10"}, "minutes: should be a valid integer"),
    ("GET", "/console?tail=99999999", None, "tail='99999999' is not a whole number"),
    ("GET", "/console?force=perhaps", None, "force='perhaps' is not understood"),
    ("GET", "/serial?from=1", None, "query parameter 'from' is not known here"),
]


@pytest.mark.parametrize(("method", "path", "body", "words"), BAD)
async def test_what_is_wrong_is_one_sentence(
    world: World, guest: str, method: str, path: str, body: Any, words: str
) -> None:
    status, problem, _ = await world.ask(method, f"/api/v1/guests/web1{path}", body)

    assert status == 422
    assert words in problem["detail"]


async def test_a_picture_is_png_and_kept_by_no_cache(world: World, guest: str) -> None:
    url = f"{world.people_root}/api/v1/guests/web1/screenshot"
    async with world.session.get(url, headers=BEARER) as response:
        assert (response.status, response.content_type) == (200, "image/png")
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.read() == PICTURE
    world.life.screenless.add("web1")
    status, problem, _ = await world.ask("GET", "/api/v1/guests/web1/screenshot")
    assert (status, problem["detail"]) == (409, "guest web1 has no screen: it was made without graphics")


async def test_a_display_tells_a_password_only_when_one_is_set(world: World, guest: str) -> None:
    _, shown, _ = await world.ask("GET", "/api/v1/guests/web1/display")
    _, opened, _ = await world.ask("POST", "/api/v1/guests/web1/display", {"minutes": 5})

    assert shown == {
        "uri": "vnc://127.0.0.1:5900",
        "loopback": True,
        "locked": True,
        "password": None,
        "expires": None,
    }
    assert opened == shown | {"password": "s3cret-8", "expires": "2026-01-01T00:00:00Z"}


async def test_a_console_goes_both_ways(world: World, guest: str) -> None:
    async with console(world, "console?tail=100") as socket:
        assert await socket.receive_bytes(timeout=10) == b"what it said before\r\n"
        for sent in (b"ls\r", bytes(range(256)), b"x" * 100_000):
            await socket.send_bytes(sent)
            found = b""
            while len(found) < len(sent):
                found += await socket.receive_bytes(timeout=10)
            assert found == sent
        await socket.send_str("grüße")
        assert await socket.receive_bytes(timeout=10) == "grüße".encode()

    await until(lambda: world.life.lines[-1].closed)


async def test_a_console_says_why_it_ended(world: World, guest: str) -> None:
    async with console(world) as socket:
        await world.life.lines[-1].close()
        end = await socket.receive(timeout=10)

        assert end.type is aiohttp.WSMsgType.CLOSE
        assert (end.data, end.extra) == (
            1000,
            "the guest was switched off, or somebody else took its console",
        )


async def test_what_stands_against_a_console_is_an_ordinary_problem(world: World, guest: str) -> None:
    world.life.busy.add("web1")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await console(world)
    assert refused.value.status == HTTPStatus.CONFLICT
    async with console(world, "console?force=1") as socket:
        await socket.send_bytes(b"mine")
        assert await socket.receive_bytes(timeout=10) == b"mine"

    status, problem, headers = await world.ask("GET", "/api/v1/guests/web1/console")
    assert (status, problem["detail"]) == (426, "this address speaks WebSocket only")
    assert headers["Upgrade"] == "websocket"


@pytest.mark.parametrize("what", ["console", "vnc"])
async def test_a_socket_of_another_site_is_refused(world: World, guest: str, what: str) -> None:
    cookie = await login(world)
    host = f"127.0.0.1:{world.people_port}"
    foreign = [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{world.people_port}"},
        {"Origin": f"http://127.0.0.1:{world.guest_port}"},
    ]
    for headers in foreign:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await console(world, what, headers={"Cookie": cookie, **headers})
        assert refused.value.status == HTTPStatus.FORBIDDEN
    with pytest.raises(aiohttp.WSServerHandshakeError) as stranger:
        await console(world, what, headers={"Origin": f"http://{host}"})
    assert stranger.value.status == HTTPStatus.UNAUTHORIZED
    assert world.life.lines == []

    async with console(world, what, headers={"Cookie": cookie, "Origin": f"http://{host}"}) as socket:
        await socket.send_bytes(b"x")
        assert (await socket.receive_bytes(timeout=10))[-1:] in (b"x", b"\n")


async def test_a_message_that_is_too_large_ends_the_socket(world: World, guest: str) -> None:
    async with console(world, max_msg_size=0) as socket:
        await socket.send_bytes(b"x" * 300_000)
        end = await socket.receive(timeout=10)
        assert end.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    await until(lambda: world.life.lines[-1].closed)


async def test_a_screen_speaks_vnc(world: World, guest: str) -> None:
    async with console(world, "vnc") as socket:
        assert await socket.receive_bytes(timeout=10) == b"RFB 003.008\n"


async def texts(response: aiohttp.ClientResponse, count: int) -> list[str]:
    """The first texts of a stream of server-sent events."""
    found: list[str] = []
    name = ""
    async for raw in response.content:
        key, _, value = raw.decode().rstrip("\r\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data" and name == "text":
            found.append(json.loads(value))
            if len(found) == count:
                return found
        elif name == "end":
            return [*found, "END"]
    return found


async def test_the_serial_line_is_followed_and_no_letter_is_cut(world: World, guest: str) -> None:
    url = f"{world.people_root}/api/v1/guests/web1/serial?tail=8"
    async with world.session.get(url, headers=BEARER) as response, asyncio.timeout(10):
        assert await texts(response, 1) == ["before\r\n"]
        letter = "ü".encode()
        world.life.lines[-1].say(b"gr" + letter[:1])
        world.life.lines[-1].say(letter[1:] + b"n\n\xff")
        assert await texts(response, 2) == ["gr", "ün\n\ufffd"]
        await world.life.lines[-1].close()
        assert await texts(response, 1) == ["END"]


async def test_what_is_open_ends_with_the_service(world: World, guest: str) -> None:
    async with console(world) as socket:
        url = f"{world.people_root}/api/v1/guests/web1/serial"
        async with world.session.get(url, headers=BEARER) as response:
            await texts(response, 1)
            ending = asyncio.create_task(world._listeners[1].cleanup())
            async with asyncio.timeout(4):
                end = await socket.receive()
                assert await texts(response, 1) == ["END"]
            await socket.close()
            await ending
        assert (end.data, end.extra) == (1001, "the service is being stopped")


async def test_addresses_are_told_where_they_are_asked_for(world: World, guest: str) -> None:
    [plain] = (await world.ask("GET", "/api/v1/guests"))[1]
    [full] = (await world.ask("GET", "/api/v1/guests?addresses=1"))[1]

    assert (plain["address"], full["address"]) == (None, {"ip": "192.0.2.7", "from": "lease", "port": 22})


def assert_page(text: str) -> None:
    """Nothing that the content security policy would have to stop."""
    for tag, attributes in Elements(text).found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        assert tag not in ("style", "iframe", "object", "embed", "svg")
        for name in ("href", "src"):
            value = attributes.get(name)
            assert value is None or value.startswith(("/", "#")), (tag, attributes)


async def test_the_pages_tell_every_guest_and_one(world: World, guest: str) -> None:
    for path in ("/", "/guests/web1", "/guests/web1/screen"):
        status, text, _ = await world.ask("GET", path)
        assert status == 200
        assert "web1" in text
        assert_page(text)
    _, text, _ = await world.ask("GET", "/")
    assert 'data-state="running"' in text
    assert (await world.ask("GET", "/guests"))[2]["Location"] == "/"
    assert (await world.ask("GET", "/guests/nobody"))[0] == 404


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_a_guest_is_called_stays_text(world: World, payload: str) -> None:
    await world.guests.create(CreateGuest("web1", payload))

    for path in ("/", "/guests/web1"):
        _, text, _ = await world.ask("GET", path)
        assert_page(text)
        if "<" in payload:
            assert payload not in text


async def test_a_picture_that_shows_the_same_is_not_sent_again(world: World, guest: str) -> None:
    path = "/api/v1/guests/web1/screenshot"
    status, _, headers = await world.ask("GET", path)
    again = {"Authorization": f"Bearer {TOKEN}", "If-None-Match": headers["ETag"]}

    assert status == 200
    assert (await world.ask("GET", path, headers=again))[:2] == (304, "")


async def test_the_screens_page_may_show_pictures_of_its_own(world: World, guest: str) -> None:
    _, _, headers = await world.ask("GET", "/guests/web1/screen")
    policy = headers["Content-Security-Policy"]

    assert policy == CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")
    assert headers["X-Frame-Options"] == "DENY"


async def test_without_novnc_the_page_says_how_to_get_it(
    world: World, guest: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(guest_pages, "NOVNC", (tmp_path / "nothing",))
    _, text, _ = await world.ask("GET", "/guests/web1/screen")

    assert "apt install novnc" in text
    assert "screen.js" not in text
    assert (await world.ask("GET", "/novnc/core/rfb.js"))[0] == 404


@pytest.fixture
def novnc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder like the package's, with files that are none of its modules."""
    folder = tmp_path / "novnc"
    for name in ("core/rfb.js", "core/notes.txt", "vendor/pako/inflate.js", "app/ui.js", "secret.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("export default 1;\n")
    (tmp_path / "outside.js").write_text("no")
    (folder / "core" / "link.js").symlink_to(tmp_path / "outside.js")
    monkeypatch.setattr(guest_pages, "NOVNC", (folder,))
    return folder


async def test_novncs_modules_are_served_and_nothing_else_of_it(world: World, novnc: Path) -> None:
    for path in ("core/rfb.js", "vendor/pako/inflate.js"):
        status, _, headers = await world.ask("GET", f"/novnc/{path}")
        assert status == 200
        assert headers["Content-Type"].partition(";")[0] in ("text/javascript", "application/javascript")
    for path in (
        "core/notes.txt",
        "app/ui.js",
        "secret.js",
        "core/link.js",
        "core/../secret.js",
        "core/..%2fsecret.js",
        "core/%2e%2e/secret.js",
        "core//etc/passwd.js",
    ):
        assert (await world.ask("GET", f"/novnc/{path}"))[0] in (404, 400), path
    assert (await world.ask("GET", "/novnc/core/rfb.js", headers={}))[0] == 401
