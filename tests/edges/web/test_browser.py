"""The pages in a real browser: live without a reload, and nothing that their policy has to stop."""

from typing import Any

import pytest

from provisioner.core.install import Kind
from provisioner.service.requests import CreateGuest
from tests.edges.web.conftest import needs_browser
from tests.edges.web.world import World

pytestmark = needs_browser


async def open_page(browser: Any, world: World, path: str, complaints: list[str]) -> Any:
    """A page of a browser that has logged in by its link."""
    context = await browser.new_context()
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    _, body, _ = await world.ask("POST", "/api/v1/login-keys")
    await page.goto(body["url"])
    if path != "/":
        await page.goto(world.people_root + path)
    await page.wait_for_selector('#live[data-state="live"]')
    return page


async def until(page: Any, expression: str) -> None:
    """Waits for a true expression. Playwright's own way needs `eval`, which our policy forbids."""
    for _ in range(100):
        if await page.evaluate(expression):
            return
        await page.wait_for_timeout(50)
    raise AssertionError(f"{expression} never came true")


async def test_an_install_is_followed_live(world: World, browser: Any) -> None:
    complaints: list[str] = []
    page = await open_page(browser, world, "/", complaints)
    await page.evaluate("window.kept = true")
    assert await page.is_visible("#empty")

    install = await world.install()
    row = '.member[data-name="web1"]'
    await page.wait_for_selector(f'{row}[data-stage="booting"]')
    assert not await page.is_visible("#empty")
    await world.event(Kind.ANSWER_SERVED, install.id, "ks.cfg to 192.0.2.7")
    await page.wait_for_selector(f'{row}[data-stage="installing"]')
    await world.event(Kind.TREE_BYTES, install.id, "image half way", percent=55)
    await until(page, f"document.querySelector('{row} progress').value === 55")

    assert await page.text_content(f"{row} .guest") == "web1"
    assert await page.text_content("#count-running") == "1"
    await until(page, "document.getElementById('said').textContent.includes('web1: installing')")
    before = await page.text_content(f"{row} .left")
    await until(page, f"document.querySelector('{row} .left').textContent !== '{before}'")
    await world.event(Kind.SUCCEEDED, install.id)
    await world.event(Kind.REBOOTED, install.id)
    await page.wait_for_selector(f'{row}[data-stage="installed"]')
    await until(page, "document.getElementById('count-installed').textContent === '1'")
    assert await page.evaluate("window.kept") is True
    assert complaints == []


async def test_the_page_of_one_install_follows_it(world: World, browser: Any) -> None:
    install = await world.install()
    await world.guests.create(CreateGuest("web1", "p"))
    complaints: list[str] = []
    page = await open_page(browser, world, f"/install/{install.id}", complaints)

    await world.event(Kind.SCRIPT_SENT, install.id, "boot script for web1")
    await page.wait_for_selector('[data-step="loading"][data-state="now"]')
    await world.event(Kind.LOG, install.id, "installer says hello")
    await page.wait_for_selector('.event[data-kind="log"]', state="attached")
    assert not await page.is_visible("text=installer says hello")
    await page.check("#show-log")
    assert await page.is_visible("text=installer says hello")
    await world.event(Kind.FAILED, install.id, "no space left on device")
    await page.wait_for_selector('[data-step="loading"][data-state="stopped"]')
    await page.wait_for_selector("#why >> text=plug it in")

    assert await page.is_visible(".reason >> text=no space left on device")
    assert complaints == []


@pytest.mark.parametrize("payload", ["<img src=x onerror=alert(1)>", "</template><script>alert(1)</script>"])
async def test_what_guests_say_stays_text_in_a_browser(world: World, browser: Any, payload: str) -> None:
    complaints: list[str] = []
    install = await world.install()
    page = await open_page(browser, world, f"/install/{install.id}", complaints)
    page.on("dialog", lambda dialog: complaints.append("a script ran"))
    await world.get(f"/report/{world.token(install, 'report')}/progress", method="POST", data=payload)
    await page.wait_for_selector('.event[data-kind="progress"]')
    assert await page.text_content('.event[data-kind="progress"] .text') == payload

    await page.goto(world.people_root)
    await page.wait_for_selector('.member[data-name="web1"]')
    await world.get(f"/report/{world.token(install, 'report')}/failure", method="POST", data=payload)
    await page.wait_for_selector('.member[data-rank="failed"]')
    await page.goto(world.people_root)
    await page.wait_for_selector('.member[data-rank="failed"]')
    assert await page.get_attribute(".member .reason", "title") == payload
    # The guest is known to the store alone: its screen is not there.
    assert [complaint for complaint in complaints if "404" not in complaint] == []


async def test_nothing_is_wider_than_a_small_phone(world: World, browser: Any) -> None:
    install = await world.install("a-guest-with-quite-a-long-name.example.org")
    await world.event(Kind.TREE_FAILED, install.id, f"http://mirror.test/{'x' * 200} does not answer")
    page = await open_page(browser, world, "/", [])
    await page.set_viewport_size({"width": 360, "height": 700})
    for path in ("/", f"/install/{install.id}"):
        await page.goto(world.people_root + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_the_policy_stops_what_is_not_ours(world: World, browser: Any) -> None:
    """The same listening that finds no complaint above does hear one."""
    complaints: list[str] = []
    page = await open_page(browser, world, "/", complaints)

    await page.evaluate("document.body.setAttribute('style', 'color: red')")
    await page.evaluate("void fetch('http://127.0.0.1:9/').catch(() => {})")
    await page.wait_for_timeout(200)

    assert any("Content Security Policy" in complaint for complaint in complaints)
