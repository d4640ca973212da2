"""A host's networks and pools changed on their pages: a button asks the API, the page tells what became."""

from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import Conflict
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page
from tests.edges.web.world import World

pytestmark = needs_browser


@pytest.fixture
async def page(world: World, browser: Any) -> Any:
    return await open_page(browser, world, "/hosts/local/networks", [])


async def test_a_network_is_stopped_when_that_is_agreed_to(world: World, page: Any) -> None:
    asked: list[str] = []

    async def answer(dialog: Any) -> None:
        asked.append(dialog.message)
        await (dialog.accept() if len(asked) > 1 else dialog.dismiss())

    page.on("dialog", answer)
    await page.click("text=Stop")
    await page.wait_for_timeout(100)
    assert world.network_host.calls == []
    await page.click("text=Stop")
    await page.wait_for_selector("#said >> text=network default is stopped", state="attached")
    assert world.network_host.calls == ["stop default False"]
    assert asked[0].startswith("Stop network default? Guests on it have no network")
    await page.click('[data-verb="autostart"]')
    await page.wait_for_selector("#said >> text=started with the host", state="attached")
    assert world.network_host.calls[-1].startswith("autostart default ")


async def test_a_refusal_is_told_in_its_own_words(world: World, page: Any) -> None:
    async def refuse(name: str, on: bool) -> None:
        raise Conflict(f"network {name} is transient", remedy="define it first")

    world.network_host.autostart_network = refuse  # type: ignore[method-assign]
    await page.click('[data-verb="autostart"]')
    await page.wait_for_selector("#fault >> text=network default is transient; define it first")


async def test_whether_guests_netboot_there_and_what_mends_it(world: World, page: Any) -> None:
    await page.click("text=Can guests netboot?")
    await page.wait_for_selector('.verdicts [data-severity="fail"], .verdicts [data-severity="warn"]')
    assert await page.is_visible("text=Make guests netboot")
    await page.click("text=Make guests netboot")
    await page.wait_for_selector('.verdicts li:not([data-severity="wait"])')


async def test_a_pool_is_started_and_read_again(world: World, page: Any) -> None:
    await page.goto(f"{world.people_root}/hosts/local/storage")
    await page.click("text=Read it again")
    await page.wait_for_selector("#said >> text=default was read again", state="attached")
    world.pools.there["default"] = replace(world.pools.there["default"], active=False)
    await page.click("text=Read it again")
    await page.wait_for_selector("#fault >> text=is not active")
