"""The page of one guest in a real browser: what it is made of, its installs, and what is done with it."""

from typing import Any

from provisioner.core.install import Event, Kind
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page
from tests.edges.web.test_browser_guests import guest
from tests.edges.web.world import World, now

pytestmark = needs_browser


async def test_a_guest_shows_its_parts_its_installs_and_its_definition(world: World, browser: Any) -> None:
    install = await world.install()
    await world.store.record([Event(Kind.FAILED, now(), "http", install=install.id, text="no space left")])
    await guest(world)
    complaints: list[str] = []
    page = await open_page(browser, world, "/guests/web1", complaints)

    text = await page.text_content("#page")
    for words in ("web1.qcow2", "4 GiB", "network default", install.mac, "no space left", "BIOS"):
        assert words in text
    await page.click("summary >> text=Domain XML")
    await page.wait_for_selector("#domain-xml >> text=<domain/>")
    await page.click('#page a[href="/install/install0"]')
    await page.wait_for_url("**/install/install0")
    assert complaints == []


async def test_a_guest_is_rebuilt_or_removed_after_its_plan_was_read(world: World, browser: Any) -> None:
    await world.install()
    await guest(world)
    page = await open_page(browser, world, "/guests/web1", [])
    await page.click('[data-do="autostart"]')
    await page.wait_for_load_state()
    assert "autostart True web1" in world.guests.calls
    await page.click('[data-do="rebuild"]')
    await page.wait_for_selector("#planned[open]")
    await page.keyboard.press("Escape")

    await page.click('[data-do="remove"]')
    await page.wait_for_selector("#planned >> text=lost: volume web1-i1 of pool default")
    await page.click("#planned >> text=Leave it")
    assert "web1" in world.guests.guests
    await page.click('[data-do="remove"]')
    await page.click('#planned [data-p="do"]')
    await page.wait_for_url(world.people_root + "/")
    assert "web1" not in world.guests.guests


async def test_the_page_of_a_guest_fits_a_small_phone(world: World, browser: Any) -> None:
    await world.install()
    await guest(world)
    page = await open_page(browser, world, "/guests/web1", [])
    await page.set_viewport_size({"width": 360, "height": 700})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_a_guest_is_kept_reset_and_let_go(world: World, browser: Any) -> None:
    install = await world.install()
    for kind in (Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED):
        await world.event(kind, install.id)
    await guest(world, install=await world.store.install(install.id))
    page = await open_page(browser, world, "/guests/web1", [])

    for deed, words in (("keep", "frozen"), ("reset", "everything that it wrote since"), ("let", "any more")):
        await page.click(f'[data-do="{deed}"]')
        await page.wait_for_selector(f"#planned >> text={words}")
        async with page.expect_navigation():
            await page.click('#planned [data-p="do"]')
    assert await page.is_visible('[data-do="keep"]')
    assert await world.services.snapshots.every() == []
