"""The lab's page of a service that is killed, and of one with a thousand installs that all move."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.core.install import Event, Kind
from provisioner.store.database import Database
from tests.edges.web.conftest import needs_browser
from tests.edges.web.served import Served
from tests.edges.web.test_browser import until
from tests.edges.web.world import now

pytestmark = needs_browser
SHOWN = """Object.fromEntries([...document.querySelectorAll('.member')].map((row) =>
    [row.dataset.name, [row.dataset.stage, row.querySelector('progress').value]]))"""
LIVE = '#live[data-state="live"]'


@pytest.fixture
async def store(tmp_path: Path, empty_database: Path) -> AsyncIterator[Database]:
    """The served world's own, for who asks it while the service is dead."""
    shutil.copy(empty_database, tmp_path / "web.db")
    found = Database(f"sqlite+aiosqlite:///{tmp_path / 'web.db'}")
    await found.open()
    yield found
    await found.close()


async def open_lab(browser: Any, served: Served, query: str = "") -> Any:
    page = await (await browser.new_context()).new_page()
    await page.goto(await served.link())
    await page.goto(f"{served.root}/{query}")
    await page.wait_for_selector(LIVE)
    await page.evaluate("window.kept = true")
    return page


async def truth(store: Database) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for install in await store.installs(limit=10_000):
        found.setdefault(install.guest, [install.stage.value, install.percent])
    return found


async def is_right(page: Any, store: Database) -> None:
    wanted = await truth(store)
    for _ in range(100):
        shown = await page.evaluate(SHOWN)
        if shown == wanted:
            return
        await asyncio.sleep(0.1)
    wrong = {name: (shown.get(name), wanted[name]) for name in wanted if shown.get(name) != wanted[name]}
    raise AssertionError(f"{len(wrong)} of {len(wanted)} are wrong, such as {list(wrong.items())[:5]}")


async def test_a_service_that_was_killed_is_caught_up_with(
    tmp_path: Path, store: Database, browser: Any
) -> None:
    served = Served(tmp_path, 20)
    await served.start()
    try:
        page = await open_lab(browser, served, "?view=list")
        await is_right(page, store)
        for turn in range(2):
            bursting = asyncio.create_task(served.burst(100, 30))
            await asyncio.sleep(0.4)
            await served.kill()
            bursting.cancel()
            await page.wait_for_selector('#live[data-state="lost"]')
            running = [install for install in await store.installs() if not install.over]
            failed = Event(Kind.FAILED, now(), "test", install=running[turn].id, text="the disk is full")
            moved = [Event(Kind.ANSWER_SERVED, now(), "test", install=one.id) for one in running[3:]]
            await store.record([failed, *moved])
            await served.start()
            await page.wait_for_selector(LIVE)
            await is_right(page, store)
        assert await page.evaluate("window.kept") is True
        assert await page.text_content("#count-failed") == "2"
    finally:
        await served.kill()


async def test_a_thousand_installs_and_a_hundred_events_a_second(
    tmp_path: Path, store: Database, browser: Any
) -> None:
    """Nothing is lost and nothing grows. What it costs is printed by `make bench BENCH=dashboard`."""
    served = Served(tmp_path, 1000)
    await served.start()
    try:
        page = await open_lab(browser, served, "?sort=name")
        await until(page, "document.getElementById('count-all').textContent === '1000'")
        assert await page.get_attribute("#members", "data-view") == "list"
        assert await page.evaluate("document.querySelectorAll('.member').length") < 300
        await page.focus('.member[tabindex="0"]')
        await page.keyboard.press("End")  # all the way: every row is drawn
        cdp = await page.context.new_cdp_session(page)
        used = []
        for _ in range(2):
            await served.burst(100, 4)
            await is_right(page, store)
            await cdp.send("HeapProfiler.collectGarbage")
            used.append((await cdp.send("Runtime.getHeapUsage"))["usedSize"])
        assert used[1] < 1.3 * used[0]
        assert await page.evaluate("document.querySelectorAll('.member').length") == 1000
        assert await page.evaluate("window.kept") is True
    finally:
        await served.kill()
