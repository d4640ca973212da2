"""The lab's page with a thousand installs: what a browser fetches, when it paints, how soon an event is seen.

The service's pages, API and store are the real ones, in a process of their own; hypervisors stand in.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from provisioner.core.install import Event, Kind
from provisioner.store.database import Database
from tests.bench.measure import spread
from tests.edges.web.conftest import CHROMIUM, FLAGS
from tests.edges.web.served import Served
from tests.edges.web.world import now

INSTALLS = 1000
RATE = 100
GATE = 100_000
"""Bytes, headers included, up to the first second after the page is live."""
_SEEN = """(name) => new Promise((resolve) => {
    const bar = document.querySelector(`.member[data-name="${name}"] progress`);
    const watch = new MutationObserver(() => {
        watch.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(Date.now())));
    });
    watch.observe(bar, { attributes: true });
})"""
_PAINTS = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def watching(state: Path, quick: bool, tell: Callable[[str], None]) -> bool:
    """Whether the page is as small as it has to be; the times are printed."""
    if not CHROMIUM.exists():
        tell(f"dashboard: there is no browser at {CHROMIUM}")
        return False
    state.mkdir(mode=0o755)
    return asyncio.run(_watch(state, 3 if quick else 10, tell))


async def _watch(state: Path, runs: int, tell: Callable[[str], None]) -> bool:
    store = Database(f"sqlite+aiosqlite:///{state / 'web.db'}")
    await store.open()
    await store.migrate(state / "backup")
    served = Served(state, INSTALLS)
    await served.start()
    tell(f"the lab's page with {INSTALLS} installs, {runs} cold loads:")
    try:
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            loads = [await _load(browser, served) for _ in range(runs)]
            most = max(load[0] for load in loads)
            held = most <= GATE
            verdict = "holds" if held else "DOES NOT HOLD"
            tell(f"transferred                 {spread([load[0] / 1000 for load in loads])} kB")
            tell(f"the largest                 {most / 1000:6.1f} kB   (gate: {GATE // 1000}, {verdict})")
            tell(f"first contentful paint      {spread([load[1] for load in loads])} ms")
            tell(f"every install known         {spread([load[2] for load in loads])} ms")
            page = await _page(browser, served)
            await page.goto(f"{served.root}/?stage=running&view=list")
            await page.wait_for_selector('#live[data-state="live"]')
            quiet = await _event_to_pixel(page, store, 2 * runs)
            tell(f"event to pixel, quiet       {spread(quiet)} ms")
            burst = asyncio.create_task(served.burst(RATE, max(5.0, runs * 1.5)))
            busy = await _event_to_pixel(page, store, 2 * runs)
            tell(f"event to pixel, {RATE} a second {spread(busy)} ms")
            _, peak = await burst
            tell(f"service's peak of memory    {peak / 1000:6.0f} MB")
            await browser.close()
    finally:
        await served.kill()
        await store.close()
    return held


async def _page(browser: Any, served: Served) -> Any:
    """A page with an empty cache that is logged in and shows nothing yet."""
    door = await browser.new_context()
    await (await door.new_page()).goto(await served.link())
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await context.add_cookies(await door.cookies())
    await door.close()
    return await context.new_page()


async def _load(browser: Any, served: Served) -> tuple[float, float, float]:
    """Bytes as they came over the wire, then milliseconds until something and until everything was there."""
    page = await _page(browser, served)
    cdp = await page.context.new_cdp_session(page)
    streamed: dict[str, int] = {}
    ended: dict[str, int] = {}

    def data(told: Any) -> None:
        streamed[told["requestId"]] = streamed.get(told["requestId"], 0) + told["encodedDataLength"]

    def response(told: Any) -> None:
        streamed[told["requestId"]] = (
            streamed.get(told["requestId"], 0) + told["response"]["encodedDataLength"]
        )

    cdp.on("Network.dataReceived", data)
    cdp.on("Network.responseReceived", response)
    cdp.on(
        "Network.loadingFinished", lambda told: ended.update({told["requestId"]: told["encodedDataLength"]})
    )
    await cdp.send("Network.enable")
    begun = time.monotonic()
    await page.goto(f"{served.root}/")
    while await page.text_content("#count-all") != str(INSTALLS) or not await page.query_selector(
        '#live[data-state="live"]'
    ):
        await asyncio.sleep(0.02)
    known = 1000 * (time.monotonic() - begun)
    await asyncio.sleep(1)
    paint = await page.evaluate(_PAINTS)
    await page.context.close()
    return float(sum((streamed | ended).values())), paint, known


async def _event_to_pixel(page: Any, store: Database, times: int) -> list[float]:
    """Milliseconds from before an event is written to the frame that shows it, each for another install."""
    found = []
    shown = await page.evaluate("[...document.querySelectorAll('.member')].map((row) => row.dataset.name)")
    running = [one for one in await store.installs(limit=INSTALLS) if not one.over and one.guest in shown]
    running.sort(key=lambda install: install.guest)  # a burst leaves the first of them alone
    for number, install in enumerate(running[:times]):
        seen = asyncio.create_task(page.evaluate(_SEEN, install.guest))
        await asyncio.sleep(0.1 + 0.037 * (number % 7))
        written = time.time()
        percent = min(99, install.percent + 1)
        await store.record(
            [Event(Kind.TREE_BYTES, now(), "test", install=install.id, data={"percent": percent})]
        )
        async with asyncio.timeout(30):
            found.append(float(await seen) - 1000 * written)
    return found
