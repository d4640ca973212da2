"""The API: what goes in is checked, what comes out is as documented, every error is one sentence."""

import gzip
import io
import json
import re
from typing import Any

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Kind
from provisioner.web import api
from tests.edges.web.world import TOKEN, World

BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def test_a_guest_from_creation_to_removal(world: World) -> None:
    body = {
        "name": "web1",
        "profile": "p",
        "memory": 512,
        "disks": ["size=4"],
        "ssh_keys": ["ssh-ed25519 AAAA me"],
        "boot": "uefi",
    }
    status, planned, _ = await world.ask("POST", "/api/v1/guests?dry_run=1", body)
    assert status == 200
    assert set(planned) == {"plan"}
    assert planned["plan"]["warnings"] == ["be careful"]
    assert len(planned["plan"]["steps"]) == 1
    assert await world.guests.list() == []

    status, made, _ = await world.ask("POST", "/api/v1/guests", body)
    assert status == 201
    assert set(made) == {"install", "guest", "plan"}
    assert made["install"]["stage"] == "booting"
    assert made["install"]["created"].endswith("Z")
    assert made["guest"]["address"] is None

    status, problem, headers = await world.ask("POST", "/api/v1/guests", body)
    assert status == 409
    assert headers["Content-Type"].startswith("application/problem+json")
    assert problem == {
        "type": "urn:provisioner:problem:conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "web1 is taken",
        "remedy": "choose another name",
    }

    _, shown, _ = await world.ask("GET", "/api/v1/guests/web1")
    assert shown["address"] == {"ip": "192.0.2.7", "from": "lease", "port": 22}
    assert shown["ssh"] == "ssh root@192.0.2.7"
    assert [guest["name"] for guest in (await world.ask("GET", "/api/v1/guests"))[1]] == ["web1"]
    assert len((await world.ask("GET", "/api/v1/guests?all=1"))[1]) == 2
    assert (await world.ask("GET", "/api/v1/guests/web1/xml"))[1] == {"xml": "<domain/>"}
    for verb in ("start", "shutdown", "reboot", "destroy"):
        status, done, _ = await world.ask("POST", f"/api/v1/guests/web1/{verb}")
        assert (status, list(done)) == (200, ["done"])
    assert (await world.ask("PUT", "/api/v1/guests/web1/autostart", {"on": True}))[0] == 200
    assert (await world.ask("POST", "/api/v1/guests/web1/rebuild"))[0] == 201
    assert (await world.ask("DELETE", "/api/v1/guests/web1"))[0] == 200
    assert world.guests.calls == [
        "start web1",
        "shutdown web1",
        "reboot web1",
        "destroy web1",
        "autostart True web1",
        "rebuild web1 - system",
        "delete web1",
    ]
    assert (await world.ask("GET", "/api/v1/guests/web1"))[0] == 404


G = {"name": "a", "profile": "p"}
BAD_BODIES: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/guests", {"profile": "p"}, 422, "name is missing"),
    ("POST", "/guests", G | {"memroy": 1}, 422, "memroy is not a field of this; known are profile"),
    ("POST", "/guests", G | {"memory": "512"}, 422, "memory: should be a valid integer"),
    ("POST", "/guests", G | {"method": "floppy"}, 422, "method must be one of '', 'pxe', 'url', 'iso' or"),
    ("POST", "/guests", G | {"graphics": "spice"}, 422, "graphics must be one of '', 'none' or 'vnc'"),
    ("POST", "/guests", G | {"boot": ["uefi"]}, 422, "boot: should be a valid string"),
    ("POST", "/guests", G | {"disk": "size=4"}, 422, "disk is not a field of this; known are profile"),
    ("POST", "/guests", G | {"disks": "size=4"}, 422, "disks: should be a valid list"),
    ("POST", "/guests", G | {"networks": ["default"] * 9}, 422, "networks: list should have at most 8 items"),
    ("POST", "/guests", G | {"files": {"a": 1}}, 422, "files.a: should be a valid string"),
    ("POST", "/guests", G | {"cloud_init": {"x": ""}}, 422, "cloud_init.x is not a field"),
    ("POST", "/guests", G | {"name": 7}, 422, "name: should be a valid string"),
    ("POST", "/guests", G | {"name": "a" * 64}, 422, "name: string should have at most 63 characters"),
    ("POST", "/guests", G | {"ssh_keys": "x"}, 422, "ssh_keys: should be a valid list"),
    ("POST", "/guests", G | {"ssh_keys": [1]}, 422, "ssh_keys.0: should be a valid string"),
    ("POST", "/guests", {}, 422, "name is missing"),
    ("PUT", "/guests/web1/autostart", {"on": "yes"}, 422, "on: should be a valid boolean"),
    ("POST", "/machines", {"name": "m"}, 422, "mac is missing"),
    ("POST", "/machines/rack1/install", {}, 422, "profile is missing"),
    ("POST", "/machines/rack1/install", {"profile": "p"}, 404, "no machine is called 'rack1'"),
    ("POST", "/machines/52:54:00:00:00:09/install", {"profile": "x"}, 404, "x"),
    ("GET", "/machines/rack1", None, 404, "no machine is called 'rack1'"),
    ("POST", "/trees", {"name": "t", "source": "/x", "flavour": "y"}, 422, "flavour is not a field"),
    ("PUT", "/profiles/p", {"shipped": False}, 422, "shipped is not a field"),
    ("PUT", "/profiles/p", {"name": "q"}, 422, "cannot be renamed"),
    ("POST", "/guests", [1], 400, "must be a JSON object"),
    ("POST", "/guests", b"{nonsense", 400, "is not JSON"),
    ("POST", "/guests", b"\xff\xfe{}", 400, "is not UTF-8"),
    ("POST", "/guests", b'{"memory": NaN}', 400, "NaN is not a JSON number"),
    ("POST", "/guests", b"[" * 100_000, 400, "JSON"),
    ("POST", "/guests", b"", 422, "name is missing"),
    ("POST", "/guests", b"x" * (1024 * 1024 + 1), 413, "too large"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), BAD_BODIES)
async def test_a_bad_body_is_told_in_one_sentence(
    world: World, method: str, path: str, body: Any, status: int, words: str
) -> None:
    if isinstance(body, bytes):
        headers = {**BEARER, "Content-Type": "application/json"}
        got, problem, _ = await world.ask(method, f"/api/v1{path}", data=io.BytesIO(body), headers=headers)
    else:
        got, problem, _ = await world.ask(method, f"/api/v1{path}", body)

    assert got == status
    assert words in problem["detail"]
    assert "\n" not in problem["detail"]
    assert "pydantic" not in json.dumps(problem)
    assert world.guests.calls == []


async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(world: World) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {**BEARER, "Content-Type": "application/json", "Content-Encoding": "gzip"}

    status, _, _ = await world.ask("POST", "/api/v1/guests", data=io.BytesIO(bomb), headers=headers)

    assert status == 413


async def test_a_form_is_no_json(world: World) -> None:
    status, problem, _ = await world.ask("POST", "/api/v1/guests", data={"name": "a"}, headers=BEARER)
    assert status == 415
    assert "Content-Type" in problem["remedy"]


async def test_query_parameters_are_checked(world: World) -> None:
    for path in ("/guests?everything=1", "/guests?all=maybe", "/installs?limit=-1", "/installs?limit=x"):
        assert (await world.ask("GET", f"/api/v1{path}"))[0] == 422, path


async def test_an_unexpected_error_tells_nothing_of_itself(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(name: str) -> None:
        raise RuntimeError("the secret is hunter2")

    world.guests.start = broken  # type: ignore[method-assign]

    status, problem, _ = await world.ask("POST", "/api/v1/guests/web1/start")

    assert status == 500
    assert "hunter2" not in json.dumps(problem)
    assert "Traceback" not in json.dumps(problem)
    assert "POST /api/v1/guests/{name}/start failed" in caplog.text


async def test_what_is_away_is_503_with_its_remedy(world: World) -> None:
    world.pools.down = Unavailable("libvirt does not answer", remedy="start it")
    status, problem, _ = await world.ask("GET", "/api/v1/pools")
    assert (status, problem["remedy"]) == (503, "start it")
    assert (await world.ask("GET", "/api/v1/networks"))[1][0]["name"] == "default"


async def test_installs_and_their_events(world: World) -> None:
    install = await world.install()
    for number in range(3):
        await world.event(Kind.LOG, install.id, f"line {number}")
    other = await world.install("web2", mac="52:54:00:00:00:02")

    _, listed, _ = await world.ask("GET", "/api/v1/installs")
    assert [item["id"] for item in listed] == [other.id, install.id]
    assert (await world.ask("GET", "/api/v1/installs/web1"))[1]["id"] == install.id
    _, events, _ = await world.ask("GET", "/api/v1/installs/web1/events")
    assert [event["kind"] for event in events] == ["creating", "started", "log", "log", "log"]
    assert set(events[0]) == {"kind", "at", "source", "machine", "install", "text", "data", "id"}
    after = events[2]["id"]
    _, later, _ = await world.ask("GET", f"/api/v1/installs/{install.id}/events?after={after}")
    assert [event["text"] for event in later] == ["line 1", "line 2"]
    _, one, _ = await world.ask("GET", f"/api/v1/installs/{install.id}/events?after={after}&limit=1")
    assert [event["text"] for event in one] == ["line 1"]
    _, why, _ = await world.ask("GET", "/api/v1/installs/web1/why")
    assert set(why) == {
        *(
            "install",
            "stage",
            "last",
            "missing",
            "cause",
            "remedy",
            "diagnosis",
            "paragraph",
            "evidence",
            "kept",
        )
    }
    assert why["last"]["text"] == "line 2"
    assert [event["text"] for event in why["evidence"]] == ["line 2"]
    assert (why["diagnosis"], why["paragraph"]) == ("no-link", "It is a cable.")
    _, ended, _ = await world.ask("POST", "/api/v1/installs/web1/cancel")
    assert ended["stage"] == "cancelled"
    assert (await world.ask("GET", "/api/v1/installs/nothing"))[0] == 404


async def test_profiles_trees_machines_answers(world: World) -> None:
    copied = await world.ask("POST", "/api/v1/profiles/p/copy", {"name": "mine"})
    assert copied[0] == 201
    _, edited, _ = await world.ask("PUT", "/api/v1/profiles/mine", {"memory": 2048, "disk": 8})
    assert (edited["memory"], edited["disk"], edited["tree"]) == (2048, 8, "t")
    assert len((await world.ask("GET", "/api/v1/profiles"))[1]) == 2
    assert (await world.ask("DELETE", "/api/v1/profiles/mine"))[0] == 200
    new = {"name": "n", "family": "rhel", "tree": "t", "template": "rhel/ks.cfg.j2", "variables": {"a": [1]}}
    assert (await world.ask("POST", "/api/v1/profiles", new))[1]["variables"] == {"a": [1]}

    _, told, _ = await world.ask("GET", "/api/v1/profiles/n/explain")
    assert told["variables"][0]["origin"] == "default"
    assert told["variables"][-1] == {"name": "a", "value": [1], "origin": "profile n", "text": ""}
    assert (await world.ask("GET", "/api/v1/profiles/n/explain?guest=nobody"))[0] == 404

    status, tree, _ = await world.ask("POST", "/api/v1/trees", {"name": "c7", "source": "/srv/c7"})
    assert (status, tree["kernel"]) == (201, "images/pxeboot/vmlinuz")
    assert (await world.ask("GET", "/api/v1/trees/c7"))[1] == tree
    _, told, _ = await world.ask("POST", "/api/v1/trees/explain", {"source": "/srv/c7", "arch": "x86_64"})
    assert (told["family"], told["requests"], told["refusal"]) == ("rhel", 1, "")
    assert told["probes"] == [{"asked": ".treeinfo", "found": "absent", "says": ""}]
    _, told, _ = await world.ask("POST", "/api/v1/trees/explain", {"source": "/nothing"})
    assert (told["family"], told["refusal"]) == ("", "/nothing: no known installer")
    assert told["remedy"] == "give the tree's root"
    assert (await world.ask("DELETE", "/api/v1/trees/c7"))[0] == 200
    assert (await world.ask("GET", "/api/v1/trees"))[1] == []

    machine = {"name": "rack2", "mac": "52:54:00:00:00:09"}
    assert (await world.ask("POST", "/api/v1/machines", machine))[0] == 201
    assert (await world.ask("GET", "/api/v1/machines"))[1][0]["name"] == "rack2"
    assert (await world.ask("DELETE", "/api/v1/machines/rack9"))[0] == 404

    assert (await world.ask("GET", "/api/v1/answers/preview/web1"))[1] == {"text": "rootpw ***\n"}
    text = {"text": "lang en", "family": "rhel"}
    assert (await world.ask("POST", "/api/v1/answers/render", text))[1] == {"text": "LANG EN"}
    found = {
        "line": 1,
        "column": 0,
        "text": "no reboot",
        "warning": False,
        "template": "",
        "template_line": 0,
    }
    assert (await world.ask("POST", "/api/v1/answers/lint", text))[1] == {"findings": [found]}


async def test_several_guests_are_made_line_by_line(world: World) -> None:
    body = {"names": ["web5", "web6", "web5", "broken"], "profile": "p", "disks": ["vol=default/{name}"]}
    status, text, headers = await world.ask("POST", "/api/v1/guests/batch", body)
    lines = [json.loads(line) for line in text.splitlines()]

    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    assert [line["name"] for line in lines] == body["names"]
    assert [line["created"]["guest"]["name"] for line in lines[:2]] == ["web5", "web6"]
    assert lines[2] == {
        "name": "web5",
        "error": "web5 is taken",
        "remedy": "choose another name",
        "status": 409,
    }
    assert lines[3]["status"] == 500
    assert "secret" not in text

    for wrong, field in (
        ({"names": []}, "names"),
        ({"names": ["a"] * 1001}, "names"),
        ({"names": ["a", "b"], "mac": "52:54:00:00:00:07"}, "mac"),
        ({"names": ["a", "b"], "networks": ["network=default,mac=52:54:00:00:00:07"]}, "mac"),
        ({"names": ["a"], "name": "b"}, "name"),
    ):
        status, told, _ = await world.ask("POST", "/api/v1/guests/batch", wrong)
        assert (status, field in told["detail"]) == (422, True), told


async def test_several_guests_are_rebuilt_line_by_line(world: World) -> None:
    await world.ask("POST", "/api/v1/guests", {"name": "web1", "profile": "p"})
    body = {"names": ["web1", "web1", "nobody"], "profile": "q", "wipe": "none", "at_once": 2}

    status, text, _ = await world.ask("POST", "/api/v1/guests/rebuild?dry_run=1", {"names": ["web1"]})
    (line,) = map(json.loads, text.splitlines())
    assert (status, line["loses"]["in_use"], line["loses"]["gone"][0]["name"]) == (200, True, "web1-i1")
    assert world.guests.calls == []

    status, text, headers = await world.ask("POST", "/api/v1/guests/rebuild", body)
    lines = [json.loads(line) for line in text.splitlines()]
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    assert [(line["name"], "created" in line, line.get("status")) for line in lines] == [
        ("web1", True, None),
        ("nobody", False, 404),
    ]
    assert world.guests.calls == ["rebuild web1 q none"]
    faults: list[Any] = [{"names": []}, {"names": ["a"], "wipe": "some"}, {"names": ["a"], "at_once": -1}]
    for wrong in faults:
        assert (await world.ask("POST", "/api/v1/guests/rebuild", wrong))[0] == 422


async def test_several_guests_are_switched_on_line_by_line(world: World) -> None:
    await world.ask("POST", "/api/v1/guests", {"name": "web1", "profile": "p"})
    body = {"names": ["web1", "nobody"], "at_once": 1}
    _, text, _ = await world.ask("POST", "/api/v1/guests/start", body)
    done, failed = map(json.loads, text.splitlines())

    assert (done, failed["status"]) == ({"name": "web1", "started": True}, 404)
    assert world.guests.calls == ["start web1"]


async def test_guests_are_kept_reset_and_let_go(world: World) -> None:
    await world.ask("POST", "/api/v1/guests", {"name": "web1", "profile": "p"})
    status, text, _ = await world.ask("POST", "/api/v1/snapshots", {"names": ["web1", "web1"]})
    (line,) = map(json.loads, text.splitlines())
    kept = (await world.ask("GET", "/api/v1/snapshots"))[1]
    assert (status, [line["snapshot"]]) == (200, kept)
    assert (kept[0]["guest"], kept[0]["disks"], kept[0]["state"]) == ("web1", ["default/web1-i1"], "kept")

    body = {"names": ["web1", "web2"], "wait": 30.0, "at_once": 2}
    _, text, headers = await world.ask("POST", "/api/v1/snapshots/reset", body)
    done, failed = map(json.loads, text.splitlines())
    assert headers["Content-Type"] == "application/x-ndjson"
    assert done["reset"]["answered"] == "after 30 s, 2 at once"
    assert (failed["name"], failed["status"]) == ("web2", 404)
    _, text, _ = await world.ask("POST", "/api/v1/snapshots/reset", {"lab": "web"})
    assert json.loads(text)["name"] == "web1"

    faults: list[Any] = [{}, {"names": ["a"], "lab": "b"}, {"names": ["a"], "wait": -1.0}]
    for wrong in faults:
        assert (await world.ask("POST", "/api/v1/snapshots/reset", wrong))[0] == 422
    assert (await world.ask("DELETE", "/api/v1/snapshots/web1"))[0] == 200
    assert (await world.ask("GET", "/api/v1/snapshots"))[1] == []


async def test_an_image_is_built_line_by_line(world: World) -> None:
    status, text, headers = await world.ask("POST", "/api/v1/images", {"name": "tiny", "tune": True})
    lines = [json.loads(line) for line in text.splitlines()]

    assert status == 200
    assert headers["Content-Type"] == "application/x-ndjson"
    assert lines[0] == {"line": "unpacking"}
    assert lines[1]["image"]["tuned"] is True

    _, text, _ = await world.ask("POST", "/api/v1/images", {"name": "broken"})
    assert json.loads(text.splitlines()[-1]) == {
        "error": "mmdebstrap is missing",
        "remedy": "install mmdebstrap",
        "status": 503,
    }
    assert (await world.ask("POST", "/api/v1/images", {"name": "unknown"}))[0] == 404
    assert (await world.ask("GET", "/api/v1/images"))[1][0]["name"] == "tiny"
    assert (await world.ask("DELETE", "/api/v1/images/tiny"))[0] == 200


async def test_the_document_covers_every_operation(world: World) -> None:
    status, document, _ = await world.ask("GET", "/api/openapi.json")
    assert status == 200
    assert document["openapi"] == "3.1.0"
    assert (await world.ask("GET", "/api/v1/openapi.json"))[1] == document
    for row in api.OPERATIONS:
        found = document["paths"][f"{api.ROOT}{row.path}"][row.method.lower()]
        assert ("requestBody" in found) == (row.takes is not None or row.streams or bool(row.text))
        assert str(row.status) in found["responses"]
        named = {item["name"] for item in found["parameters"] if item["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", row.path))
    names = [item["operationId"] for path in document["paths"].values() for item in path.values()]
    assert len(names) == len(set(names)) == len(api.OPERATIONS)
    known = set(document["components"]["schemas"])
    references = set(re.findall(r"#/components/schemas/([\w-]+)", json.dumps(document)))
    assert references <= known
    guest = document["components"]["schemas"]["NewGuest"]
    assert guest["additionalProperties"] is False
    assert guest["required"] == ["name"], "without a profile there are a location, a medium or an image"


async def test_health(world: World) -> None:
    for ask in (world.ask, lambda m, p: world.get(p, method=m)):
        assert (await ask("GET", "/healthz"))[0] == 200
        assert (await ask("GET", "/readyz"))[0] == 200
    world.ready_error = Unavailable("libvirt does not answer", remedy="provisioner doctor")
    status, problem, _ = await world.ask("GET", "/readyz", headers={})
    assert (status, problem["detail"]) == (503, "libvirt does not answer")
    assert (await world.get("/healthz"))[0] == 200
