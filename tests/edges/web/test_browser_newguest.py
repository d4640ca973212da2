"""The form for new guests in a real browser: judged while it is filled in, by keys alone, on a phone."""

import json
from typing import Any

from provisioner.core.profile import Profile
from provisioner.service.requests import CreateGuest
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.world import World

pytestmark = needs_browser
SUM = "document.getElementById('sum').textContent"
MADE = "[...document.querySelectorAll('#made li')].map(line => line.textContent)"


async def form(world: World, browser: Any, complaints: list[str]) -> Any:
    world.profiles.kept["big"] = Profile(
        "big", "rhel", "t", memory=4096, vcpus=4, disk=20, summary="all of it"
    )
    page = await open_page(browser, world, "/guests", complaints)
    await page.click("text=New guest")
    await page.wait_for_selector("#form")
    return page


async def test_a_guest_is_described_judged_and_created(world: World, browser: Any) -> None:
    complaints: list[str] = []
    page = await form(world, browser, complaints)
    await page.select_option("#profile", "big")
    assert await page.get_attribute("#memory", "placeholder") == "4096"
    assert "all of it" in await page.text_content("#profile-about")
    await page.fill("#name", "web1")
    await until(page, f"{SUM} === 'web1 can be created:'")

    assert "netboot serves it" in await page.text_content("#v-networks")
    assert "create volume web1-1.qcow2" in await page.text_content("#plan")
    assert await page.text_content("#command") == "provisioner guest create web1 --profile big"
    await page.click("#create")
    await page.wait_for_url("**/install/i1")
    assert world.guests.guests["web1"].profile == "big"
    assert [text for text in complaints if "404" not in text] == []  # this world's guests have no installs


async def test_what_is_wrong_stands_beside_its_field_and_is_gone_to(world: World, browser: Any) -> None:
    page = await form(world, browser, [])
    await page.fill("#name", "web1")
    await page.fill("#memory", "128")
    await until(page, f"{SUM} === 'One thing stands against it.'")
    assert "less than 512 MiB" in await page.text_content("#v-memory")
    assert await page.get_attribute("#memory", "aria-invalid") == "true"
    await page.click("#create")
    assert await page.evaluate("document.activeElement.id") == "memory"
    assert world.guests.guests == {}

    await page.fill("#memory", "a lot")
    await until(page, "document.getElementById('v-memory').textContent === 'a lot is no whole number'")
    await page.fill("#memory", "2048")
    await until(page, f"{SUM} === 'web1 can be created:'")
    assert await page.get_attribute("#memory", "aria-invalid") is None
    await page.click("summary >> text=More")
    await page.fill("#variables", "no equals sign")
    await until(page, "document.getElementById('v-variables').textContent.includes('write NAME=VALUE')")


async def test_several_are_created_and_each_tells_what_became_of_it(world: World, browser: Any) -> None:
    page = await form(world, browser, [])
    await page.fill("#name", "web{01..03}")
    await until(page, "document.getElementById('create').textContent === 'Create 3 guests'")
    await world.guests.create(CreateGuest("web02", "p"))  # somebody was faster
    await page.click("#create")

    await until(page, f"{MADE}.length === 3")
    told = await page.evaluate(MADE)
    assert told[0] == "web01 is created"
    assert told[1] == "web02 web02 is taken; choose another name"


async def test_each_method_asks_for_its_own(world: World, browser: Any) -> None:
    bodies: list[Any] = []
    page = await form(world, browser, [])
    page.on("request", lambda asked: bodies.append(asked.post_data) if "verdict" in asked.url else None)
    await page.fill("#name", "web1")
    await page.check('[name="method"][value="import"]')
    assert not await page.is_visible("#profile")
    await page.fill("#image", "debian.qcow2")
    await page.fill("#size", "20")
    await page.check('[name="linked"]')
    await until(page, f"{SUM}.startsWith('One thing')")  # this world's verdict wants a profile

    sent = json.loads(bodies[-1])
    assert sent == {
        "names": "web1",
        "method": "import",
        "disks": ["debian.qcow2,size=20,linked=on"],
        "cloud_init": {},
    }
    await page.check('[name="method"][value="url"]')
    await page.fill("#location", "debian12")
    await page.click("summary >> text=More")
    await page.fill("#variables", 'hostname=web\nlist=["a"]\nport=22')
    await page.check('[name="graphics"]')
    for _ in range(100):
        if "vnc" in bodies[-1]:
            break
        await page.wait_for_timeout(50)
    sent = json.loads(bodies[-1])
    assert (sent["method"], sent["location"], sent["profile"]) == ("url", "debian12", "p")
    assert sent["variables"] == {"hostname": "web", "list": ["a"], "port": 22}
    assert sent["graphics"] == "vnc"
    assert "cloud_init" not in sent


async def test_the_form_is_filled_in_by_keys_alone(world: World, browser: Any) -> None:
    page = await form(world, browser, [])
    await page.focus('[name="method"]:checked')
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("web1")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/install/i1")

    assert list(world.guests.guests) == ["web1"]


async def test_the_form_fits_a_small_phone(world: World, browser: Any) -> None:
    page = await form(world, browser, [])
    await page.set_viewport_size({"width": 360, "height": 700})
    await page.fill("#name", "a-guest-with-quite-a-long-name.example.org")
    await until(page, f"{SUM}.includes('can be created')")
    for method in ("pxe", "url", "iso", "import"):
        await page.check(f'[name="method"][value="{method}"]')
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
