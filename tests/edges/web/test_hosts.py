"""Hosts over the API and as pages: complete without scripts, live in a browser."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.host import Load, Network
from provisioner.core.readings import Line
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.test_pages import PAYLOADS, assert_strict
from tests.edges.web.world import World

RACK = "qemu+tls://rack1.example/system"


async def test_a_host_is_added_shown_and_forgotten(world: World) -> None:
    added = await world.ask("POST", "/api/v1/hosts", {"name": "rack1", "uri": RACK})
    listed = await world.ask("GET", "/api/v1/hosts")
    shown = await world.ask("GET", "/api/v1/hosts/rack1")
    gone = await world.ask("DELETE", "/api/v1/hosts/rack1")

    rack = {
        "name": "rack1",
        "uri": RACK,
        "configured": False,
        "allow_unsafe": False,
        "state": "up",
        "reason": "",
    }
    assert added[:2] == (201, rack)
    assert [host["name"] for host in listed[1]] == ["local", "rack1"]
    assert shown[0] == 200 and rack.items() <= shown[1].items()
    assert shown[1]["node"] == {
        "model": "x86_64",
        "cpus": 2,
        "mhz": 2445,
        "sockets": 1,
        "cores": 2,
        "threads": 1,
        "cells": 1,
        "memory": 6252320,
    }
    assert gone[:2] == (200, {"done": "host rack1 is forgotten"})
    assert (await world.ask("GET", "/api/v1/hosts/rack1"))[0] == 404


async def test_the_load_the_check_and_the_comparison(world: World) -> None:
    world.validator.lines = (Line("QEMU", "for the moon", "PASS"),)

    load = await world.ask("GET", "/api/v1/hosts/local/load")
    check = await world.ask("GET", "/api/v1/hosts/local/check")
    compare = await world.ask("GET", "/api/v1/hosts/local/compare")

    kib = 1024**2
    assert load[:2] == (
        200,
        {"cpu": 25.0, "memory": 8 * kib, "used": 2 * kib, "running": 2, "lent": 3 * kib, "vcpus": 3},
    )
    assert check[0] == 200 and {row["verdict"] for row in check[1]} == {"PASS"}
    assert set(check[1][0]) == {"area", "name", "verdict", "reason", "fix"}
    assert compare[:2] == (
        200,
        [
            {
                "area": "QEMU",
                "question": "for the moon",
                "theirs": "PASS",
                "ours": "-",
                "why": "not asked here",
                "differs": True,
            }
        ],
    )


async def test_its_networks_and_pools(world: World) -> None:
    for path, name in (("networks", "default"), ("pools", "default")):
        status, found, _ = await world.ask("GET", f"/api/v1/hosts/local/{path}")
        assert (status, [item["name"] for item in found]) == (200, [name])


BAD: list[tuple[str, str, object, int, str]] = [
    ("POST", "/hosts", {"name": "x", "uri": "qemu+tcp://h/system"}, 422, "is not encrypted"),
    ("POST", "/hosts", {"name": "x", "uri": "x"}, 422, "is not a libvirt URI"),
    ("POST", "/hosts", {"name": "x"}, 422, "uri is missing"),
    ("POST", "/hosts", {"name": "x", "uri": RACK, "port": 1}, 422, "port is not a field"),
    ("POST", "/hosts", {"name": "local", "uri": RACK}, 409, "exists already"),
    ("GET", "/hosts/nobody", None, 404, "no host is called 'nobody'"),
    ("GET", "/hosts/nobody/load", None, 404, "no host is called 'nobody'"),
    ("GET", "/hosts/down/check", None, 503, "trying to reach it again"),
    ("GET", "/hosts/local/check?x=1", None, 422, "query parameter 'x' is not known"),
    ("DELETE", "/hosts/local", None, 409, "is named in the settings"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), BAD)
async def test_what_is_wrong_is_one_sentence(
    world: World, method: str, path: str, body: object, status: int, words: str
) -> None:
    world.connections.faults[RACK] = f"libvirt at {RACK} went away: it closed the connection"
    if path.startswith("/hosts/down"):
        await world.hosts.add("down", RACK)

    answer = await world.ask(method, f"/api/v1{path}", body)

    assert answer[0] == status
    assert words in answer[1]["detail"]


async def test_the_pages(world: World) -> None:
    world.connections.faults[RACK] = f"libvirt at {RACK} went away: it closed the connection"
    await world.hosts.add("rack1", RACK)
    expected = {
        "/hosts": ("local", "qemu:///system", "rack1", "went away: it closed the connection", "25 %"),
        "/hosts/local": ("Core(s) per socket", "6252320 KiB", "2.0 GiB of 8.0 GiB", "at most 8", "2 running"),
        "/hosts/local/networks": ("default", "virbr0", "192.168.122.1/24", "gives addresses"),
        "/hosts/local/storage": ("default", "100.0 GiB", "/var/lib/libvirt/images"),
        "/hosts/rack1": ("The host is down", "went away"),
        "/hosts/rack1/networks": ("The host is down",),
        "/hosts/rack1/storage": ("The host is down",),
    }
    for path, words in expected.items():
        status, text, _ = await world.ask("GET", path)
        assert status == 200
        assert [word for word in words if word not in text] == []
        assert 'href="/hosts" aria-current="page"' in text
        assert_strict(text)
    assert (await world.ask("GET", "/hosts/nobody"))[0] == 404


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_a_host_says_stays_text(world: World, payload: str) -> None:
    connection = world.connections("")
    evil = Network(payload, "nat", True, bridge=payload, addresses=(payload,), bootp=payload)
    pools = tuple(replace(pool, name=payload, path=payload) for pool in connection.host_facts.pools)
    connection.host_facts = replace(
        connection.host_facts, emulator=payload, networks=(evil,), pools=pools, graphics=(payload,)
    )
    connection.read = replace(connection.read, proof=(False, payload))

    for path in ("/hosts", "/hosts/local", "/hosts/local/networks", "/hosts/local/storage"):
        _, text, _ = await world.ask("GET", path)
        assert_strict(text)
        if "<" in payload:
            assert payload not in text


@needs_browser
async def test_cpu_and_memory_are_live(world: World, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    complaints: list[str] = []
    page = await open_page(browser, world, "/hosts/local", complaints)
    await page.evaluate("window.kept = true")
    field = "document.querySelector('[data-f=\"{}\"]').{}"

    connection, looks = world.connections(""), itertools.count(100)
    calm = await connection.load()

    async def busy() -> Load:
        """From now on every look finds the CPUs at work."""
        look = next(looks)
        return replace(calm, busy=look * 900, total=look * 1000, free=1024**2, running=7)

    monkeypatch.setattr(connection, "load", busy)
    await until(page, field.format("memory-text", "textContent") + " === '7.0 GiB of 8.0 GiB'")
    await until(page, field.format("cpu-text", "textContent") + " === '90 %'")

    assert await page.evaluate(field.format("cpu", "value")) == 90
    assert (await page.text_content('[data-f="guests"]')).startswith("7 running")
    assert await page.evaluate("document.getElementById('trace-cpu').width > 0")
    assert await page.evaluate("window.kept") is True
    assert complaints == []


@needs_browser
async def test_a_host_that_falls_and_rises_is_followed(world: World, browser: Any) -> None:
    complaints: list[str] = []
    await world.hosts.add("rack1", RACK)
    page = await open_page(browser, world, "/hosts", complaints)
    row = '.host[data-name="rack1"]'
    await page.wait_for_selector(f'{row}[data-state="up"]')

    world.connections(RACK).fault = f"libvirt at {RACK} went away: it closed the connection"
    await page.wait_for_selector(f'{row}[data-state="down"]')
    assert await page.text_content(f"{row} .reason") == "went away: it closed the connection"
    assert "rack1: down" in await page.text_content("#said")
    await page.goto(f"{world.people_root}/hosts/rack1")
    await page.wait_for_selector("text=The host is down")
    world.connections(RACK).fault = ""

    await page.wait_for_selector("text=What it gives guests")
    assert complaints == []


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_wider_than_a_small_phone(world: World, browser: Any, scheme: str) -> None:
    long = "x" * 200
    connection = world.connections("")
    network = Network(long[:60], "nat", True, bridge="virbr0", bootp=f"/{long}")
    pools = tuple(replace(pool, path=f"/{long}") for pool in connection.host_facts.pools)
    connection.host_facts = replace(
        connection.host_facts, emulator=f"/{long}", networks=(network,), pools=pools
    )
    connection.read = replace(connection.read, proof=(False, long))
    world.connections.faults[RACK] = long
    await world.hosts.add("a-host-with-quite-a-long-name.example.org", RACK)
    page = await open_page(browser, world, "/hosts", [])
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": 360, "height": 700})
    for path in (
        "",
        "/local",
        "/local/networks",
        "/local/storage",
        "/a-host-with-quite-a-long-name.example.org",
    ):
        await page.goto(f"{world.people_root}/hosts{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
