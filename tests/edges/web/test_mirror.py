"""What is kept of trees by the API and on its page: told, switched, fetched ahead and checked by lines."""

import json
from typing import Any

import pytest

from provisioner.core.mirror import Listed
from tests.edges.web.world import World
from tests.fake_mirror import FakeCounts, FakeHealth

SOURCE, SECRET = "http://m.example/<os>", "ftp://me:hunter2@far.example/os"
FILES = {"images/pxeboot/vmlinuz": b"k" * 2000, "a.rpm": b"a" * 1000, "b.rpm": b"b" * 500}


@pytest.fixture
async def mirrored(world: World) -> World:
    """Two trees, the one with an upstream that has three files, of which metadata vouches for one."""
    await world.services.trees.add("el", SOURCE)
    await world.services.trees.add("far", SECRET, mirrors=[SECRET + "2"])
    await world.services.trees.add("iso", "/srv/dvd.iso")
    fake = world.mirror
    fake.cache.upstream = {(SOURCE, path): body for path, body in FILES.items()}
    fake.cache.by = {"a.rpm": "primary"}
    fake.contents.basics = [Listed("images/pxeboot/vmlinuz")]
    fake.contents.more = [Listed("a.rpm"), Listed("b.rpm")]
    fake.origins.places[SOURCE] = [FakeHealth(SOURCE, "down", 1000.0, "connection <refused>", 3500, 3)]
    fake.origins.places[SECRET] = [FakeHealth("ftp://me:***@far.example/os")]
    return world


async def lines(world: World, path: str, body: object) -> list[dict[str, Any]]:
    status, text, headers = await world.ask("POST", path, body)
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in text.splitlines()]


async def test_a_tree_is_planned_fetched_and_told(mirrored: World) -> None:
    _, plan, _ = await mirrored.ask("POST", "/api/v1/mirror/el/plan", {"full": True})
    told = await lines(mirrored, "/api/v1/mirror/el/sync", {"full": True})
    mirrored.mirror.cache.counted[SOURCE] = FakeCounts(3, 1, 9000, 3500)
    _, one, _ = await mirrored.ask("GET", "/api/v1/mirror/el")
    _, all_, _ = await mirrored.ask("GET", "/api/v1/mirror")

    assert (plan["files"], plan["kept"], plan["unsized"], plan["seconds"]) == (3, 0, 3, None)
    assert told[0] == {"plan": plan}
    assert (told[-1]["synced"]["files"], told[-1]["synced"]["failed"]) == (3, 0)
    assert (one["files"], one["size"], one["verified"], one["unverified"]) == (3, 3500, 1, 2)
    assert (one["hit_rate"], one["saved"], one["offline"]) == (0.75, 5500, False)
    assert one["upstreams"][0]["since"] == "1970-01-01T00:16:40Z"
    assert [tree["name"] for tree in all_["trees"]] == ["el", "far", "iso"]
    assert "hunter2" not in json.dumps(all_)


async def test_a_sync_that_nobody_follows_goes_on_and_may_be_stopped(mirrored: World) -> None:
    told = await lines(mirrored, "/api/v1/mirror/el/sync", {"wait": False})
    assert [list(line) for line in told] == [["plan"]]
    status, refused, _ = await mirrored.ask("DELETE", "/api/v1/mirror/far/sync")

    assert (status, refused["detail"]) == (404, "tree far is not being synced")


async def test_what_is_broken_is_told_and_fetched_again(mirrored: World) -> None:
    await lines(mirrored, "/api/v1/mirror/el/sync", {"full": True})
    found = mirrored.mirror.objects.find(SOURCE, "a.rpm")
    assert found is not None
    with found:
        found.place.write_bytes(b"A" + found.place.read_bytes()[1:])
    told = await lines(mirrored, "/api/v1/mirror/verify", {"tree": "el"})
    mended = await lines(mirrored, "/api/v1/mirror/verify", {"repair": True})

    broken = [line["file"] for line in told if line.get("file", {}).get("verdict") == "broken"]
    assert [file["path"] for file in broken] == ["a.rpm"]
    sums = [lines[-1]["verified"] for lines in (told, mended)]
    assert [(sum_["broken"], sum_["mended"], sum_["unverified"]) for sum_ in sums] == [(1, 0, 2), (1, 1, 2)]


async def test_switches(mirrored: World) -> None:
    for path, body in (
        ("el/offline", {"on": True}),
        ("el/pinned", {"on": True}),
        ("el/quota", {"size": 10**9}),
        ("offline", {"on": True}),
    ):
        status, done, _ = await mirrored.ask("PUT", f"/api/v1/mirror/{path}", body)
        assert status == 200 and done["done"]
    _, told, _ = await mirrored.ask("GET", "/api/v1/mirror")
    el = told["trees"][0]
    assert (told["offline"], el["offline"], el["pinned"], el["quota"]) == (True, True, True, 10**9)
    assert mirrored.mirror.cache.trimmed == [SOURCE]


async def test_what_is_kept_is_cleaned_away(mirrored: World) -> None:
    await lines(mirrored, "/api/v1/mirror/el/sync", {})

    assert (await mirrored.ask("POST", "/api/v1/mirror/el/clean", {"days": 1}))[1] == {"files": 0, "size": 0}
    assert (await mirrored.ask("DELETE", "/api/v1/mirror/el/files"))[1] == {"files": 1, "size": 2000}


REFUSED = [
    ("GET", "/mirror/nobody", None, 404, "no tree is called 'nobody'"),
    ("PUT", "/mirror/iso/pinned", {"on": True}, 422, "tree iso is /srv/dvd.iso on this host"),
    ("PUT", "/mirror/el/quota", {"size": -1}, 422, "size"),
    ("POST", "/mirror/el/sync", {"full": True, "profile": "p"}, 422, "a whole tree has the packages of"),
    ("POST", "/mirror/el/plan", {"profile": "nobody"}, 404, "no profile is called 'nobody'"),
    ("POST", "/mirror/verify", {"tree": "nobody"}, 404, "no tree is called 'nobody'"),
    ("GET", "/mirror/el/snippet?format=pacman", None, 422, "format 'pacman' is not known"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "said"), REFUSED)
async def test_what_is_wrong_is_one_sentence(
    mirrored: World, method: str, path: str, body: object, status: int, said: str
) -> None:
    code, told, _ = await mirrored.ask(method, f"/api/v1{path}", body)

    assert code == status and told["detail"].startswith(said)


async def test_the_page_tells_what_status_tells(mirrored: World) -> None:
    await lines(mirrored, "/api/v1/mirror/el/sync", {"full": True})
    mirrored.mirror.origins.archives[SOURCE] = "http://vault.example/os"
    mirrored.mirror.noted = ["repodata/repomd.xml is not signed"]
    status, text, _ = await mirrored.ask("GET", "/mirror")

    assert status == 200
    assert 'href="/mirror" aria-current="page"' in text
    assert text.index('data-name="el"') < text.index('data-name="far"')
    for word in (
        "http://m.example/&lt;os&gt;",
        "connection &lt;refused&gt;",
        "Read from its archive: http://vault.example/os",
        "2 unverified",
        "ftp://me:***@far.example/os",
        "repodata/repomd.xml is not signed",
    ):
        assert word in text
    assert "hunter2" not in text and "/srv/dvd.iso" not in text


async def test_an_empty_page_says_what_to_do(world: World) -> None:
    assert "Nothing is mirrored yet" in (await world.ask("GET", "/mirror"))[1]
