"""The guests' pages in a real browser: pictures, switches, the serial line as text, the screen by noVNC."""

from dataclasses import replace
from typing import Any

import pytest

from provisioner.service.requests import CreateGuest
from provisioner.web import guest_pages
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.world import World

pytestmark = needs_browser


async def guest(world: World, name: str = "web1", **changes: Any) -> None:
    await world.guests.create(CreateGuest(name, "p"))
    changed = replace(world.guests.guests[name], **({"screen": True} | changes))
    world.guests.guests[name] = changed


async def test_a_switch_that_is_not_confirmed_does_nothing(world: World, browser: Any) -> None:
    await guest(world)
    page = await open_page(browser, world, "/guests/web1", [])
    asked: list[str] = []

    async def dismiss(dialog: Any) -> None:
        asked.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", dismiss)
    await page.click("text=Reset")
    await page.wait_for_timeout(100)

    assert not [call for call in world.life.calls if call.startswith("reset")]
    assert asked == ["Press the reset button of web1? What its system has not written is lost."]


async def test_a_refusal_is_shown_in_the_services_own_words(world: World, browser: Any) -> None:
    await guest(world, state="shut off")
    page = await open_page(browser, world, "/guests/web1", [])
    world.guests.guests.clear()
    await page.evaluate("document.querySelector('[data-act=start]').click()")

    await page.wait_for_selector("#fault >> text=no guest is called 'web1'")


SAID = (
    "\x1b[2J\x1b[1;1H\x1b[1;32mGreen\x1b[0m\r\nold text\rnew\x1b[K\r\n"
    "typo\b\b\bank\r\n\x1b]0;title\x07a\tb\r\n<img src=x onerror=alert(1)>\r\n\x1b[6nlogin: "
)


async def test_the_serial_line_is_text_and_nothing_else(world: World, browser: Any) -> None:
    complaints: list[str] = []
    await guest(world)
    page = await open_page(browser, world, "/guests/web1", complaints)
    page.on("dialog", lambda dialog: complaints.append("a script ran"))
    await page.wait_for_selector("#serial >> text=what it said before")
    for letter in SAID:  # in pieces, so that every sequence is cut somewhere
        world.life.lines[-1].say(letter.encode())
    await page.wait_for_selector("#serial >> text=login:")

    shown = await page.text_content("#serial")
    expected = ["Green", "new", "tank", "a       b", "<img src=x onerror=alert(1)>", "login: "]
    assert shown.splitlines()[-6:] == expected
    assert await page.evaluate("document.querySelectorAll('#serial *').length") == 0
    await world.life.lines[-1].close()
    await page.wait_for_selector("#serial-note >> text=The serial line is closed.")
    assert complaints == []


async def test_a_flood_of_text_keeps_its_end(world: World, browser: Any) -> None:
    await guest(world)
    page = await open_page(browser, world, "/guests/web1", [])
    await page.wait_for_selector("#serial >> text=what it said before")
    for number in range(40):
        world.life.lines[-1].say("".join(f"line {number * 100 + n}\r\n" for n in range(100)).encode())
    await page.wait_for_selector("#serial >> text=line 3999")

    shown = (await page.text_content("#serial")).splitlines()
    assert len(shown) <= 1001
    assert shown[-1] == "line 3999"


async def test_the_page_of_a_guest_follows_its_state(world: World, browser: Any) -> None:
    complaints: list[str] = []
    await guest(world)
    page = await open_page(browser, world, "/guests/web1", complaints)
    await until(page, "document.querySelector('.glass img').naturalWidth === 64")
    await page.wait_for_selector('[data-f="address"] >> text=192.0.2.7')

    world.guests.guests["web1"] = replace(world.guests.guests["web1"], state="shut off")
    await page.wait_for_selector('#page[data-state="shut off"] .dark >> text=shut off')
    assert "web1: shut off" in await page.text_content("#said")
    assert await page.is_visible("text=Start")
    assert complaints == []


@pytest.mark.skipif(guest_pages._novnc() is None, reason="noVNC is not installed")
async def test_the_screen_is_reached_through_the_service(world: World, browser: Any) -> None:
    """noVNC's modules load under our policy, and it answers the greeting of the far end."""
    complaints: list[str] = []
    await guest(world)
    page = await open_page(browser, world, "/", complaints)
    await page.goto(f"{world.people_root}/guests/web1/screen")
    await page.wait_for_selector("text=connecting")
    await page.wait_for_selector("#vnc canvas", state="attached")
    for _ in range(200):
        if world.life.lines[-1].heard:
            break
        await page.wait_for_timeout(50)
    assert world.life.lines[-1].heard.startswith(b"RFB 003.008\n")
    await world.life.lines[-1].close()
    await page.wait_for_selector("#again", state="visible")

    assert [c for c in complaints if "Content Security Policy" in c or "Trusted" in c] == []


async def test_nothing_is_wider_than_a_small_phone(world: World, browser: Any) -> None:
    name = "a-guest-with-quite-a-long-name.example.org"
    await guest(world, name)
    page = await open_page(browser, world, "/", [])
    await page.set_viewport_size({"width": 360, "height": 700})
    for path in ("/", f"/guests/{name}", f"/guests/{name}/screen"):
        await page.goto(world.people_root + path)
        await page.wait_for_timeout(200)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
