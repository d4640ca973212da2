"""The pages: complete without scripts, and nothing that a guest says becomes markup."""

import json
import re
import zlib
from html.parser import HTMLParser

import pytest

from provisioner.core.install import Kind
from tests.edges.web.world import TOKEN, World

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</template><script>alert(1)</script>",
    "{{ 7*7 }}{% for %}",
    "javascript:alert(1)",
    "<!--<script>",
    "&lt;script&gt;",
    "\u202e<b>\u2028",
]


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_strict(text: str) -> None:
    """Nothing that the content security policy would have to stop."""
    for tag, attributes in Elements(text).found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        assert tag not in ("style", "iframe", "object", "embed", "svg", "img")
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")
        for name in ("href", "src"):
            value = attributes.get(name)
            assert value is None or value.startswith(("/", "#")), (tag, attributes)


async def test_the_empty_page_tells_how_to_begin(world: World) -> None:
    status, text, headers = await world.ask("GET", "/")

    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert "provisioner guest create web1 --profile debian12-image" in text
    assert '<section class="empty" id="empty" aria-labelledby' in text
    assert_strict(text)


async def test_the_lab_with_stage_progress_and_reason(world: World) -> None:
    install = await world.install()
    await world.event(Kind.SCRIPT_SENT, install.id, "boot script for web1")
    await world.event(Kind.TREE_BYTES, install.id, "image at 50", percent=50)
    other = await world.install("web2", mac="52:54:00:00:00:02")
    await world.event(Kind.FAILED, other.id, "no space left on device")

    _, text, _ = await world.ask("GET", "/")

    assert 'data-stage="loading"' in text
    assert 'value="50"' in text
    assert re.search(r'<b id="count-running">1</b>', text) and re.search(r'<b id="count-failed">1</b>', text)
    assert text.index('data-name="web2"') < text.index('data-name="web1"')
    assert '<span class="reason" role="gridcell" data-f="reason" title="no space left on device">no' in text
    assert_strict(text)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?q=web2", ["web2"]),
        ("?q=WEB+p", ["web2", "web1"]),
        ("?stage=failed", ["web2"]),
        ("?stage=running&sort=name", ["web1"]),
        ("?sort=name", ["web1", "web2"]),
        ("?profile=other", []),
        ("?sort=nothing&view=nothing&stage=%3Cb%3E", []),
    ],
)
async def test_the_labs_address_says_what_is_shown(world: World, query: str, shown: list[str]) -> None:
    await world.install()
    other = await world.install("web2", mac="52:54:00:00:00:02")
    await world.event(Kind.FAILED, other.id, "no space left on device")

    status, text, _ = await world.ask("GET", f"/{query}")

    assert status == 200
    assert re.findall(r'data-name="(web\d)"', text) == shown
    assert_strict(text)


async def test_one_install_with_all_that_is_known(world: World) -> None:
    install = await world.install()
    await world.event(Kind.LOG, install.id, "installer says hello")
    await world.event(Kind.FAILED, install.id, "no space left on device")

    for ref in (install.id, install.guest):
        status, text, _ = await world.ask("GET", f"/install/{ref}")
        assert status == 200
        for words in (
            "no space left on device",
            "installer says hello",
            "plug it in",
            install.mac,
            install.uuid,
        ):
            assert words in text
        assert 'data-step="booting" data-state="stopped"' in text
        assert 'data-step="creating" data-state="done"' in text
        assert_strict(text)


async def test_an_install_that_is_not_there_is_a_page(world: World) -> None:
    headers = {"Accept": "text/html,*/*;q=0.8", "Authorization": f"Bearer {TOKEN}"}

    status, text, _ = await world.ask("GET", "/install/nothing", headers=headers)

    assert status == 404
    assert "no install and no guest is called" in text
    assert_strict(text)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_guests_say_stays_text(world: World, payload: str) -> None:
    install = await world.install(profile="p")
    await world.get(f"/report/{world.token(install, 'report')}/progress", method="POST", data=payload)
    await world.get(f"/report/{world.token(install, 'report')}/failure", method="POST", data=payload)

    for path in ("/", f"/install/{install.id}", f"/install/{install.guest}"):
        _, text, _ = await world.ask("GET", path)
        assert_strict(text)
        if "<" in payload:
            assert payload not in text


async def test_static_files_come_with_their_type(world: World) -> None:
    kinds = {"style.css": "text/css", "lab.js": "text/javascript", "icon.svg": "image/svg+xml"}
    for name, kind in kinds.items():
        status, _, headers = await world.ask("GET", f"/static/{name}", headers={})
        assert status == 200
        assert headers["Content-Type"].partition(";")[0] in (kind, "application/javascript")
        etag = headers["ETag"]
        assert (await world.ask("GET", f"/static/{name}", headers={"If-None-Match": etag}))[0] == 304


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/api/openapi.json"])
async def test_what_is_large_goes_packed_to_who_takes_it(world: World, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    _, plain, told = await world.ask("GET", path, headers=headers | {"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in told
    url = world.people_root + path
    async with world.session.get(url, headers=headers | {"Accept-Encoding": "gzip, deflate"}) as answer:
        packed = await answer.read()
    assert answer.headers["Content-Encoding"] == "deflate"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(packed) < 0.4 * int(told["Content-Length"])
    unpacked = zlib.decompress(packed).decode()
    assert _timeless(unpacked) == _timeless(json.dumps(plain) if "json" in path else plain)


def _timeless(text: str) -> str:
    return re.sub(r'data-now="[^"]*"', "", text)


@pytest.mark.parametrize(
    "path", ["../base.html.j2", "..%2fbase.html.j2", "%2e%2e/index.html.j2", "", "nothing", "."]
)
async def test_static_gives_nothing_else(world: World, path: str) -> None:
    status, text, _ = await world.ask("GET", f"/static/{path}", headers={})
    assert status in (401, 404)
    assert "block main" not in str(text)
