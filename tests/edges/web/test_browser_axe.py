"""Every page by axe, which knows what people with screen readers and keyboards stumble over: none of it."""

from typing import Any

import pytest

from provisioner.core.install import Kind
from tests.edges.web.conftest import needs_browser
from tests.edges.web.crowd import guests
from tests.edges.web.test_browser import open_page
from tests.edges.web.world import World

pytestmark = needs_browser
SIZES = ((360, 740), (1280, 900))
SCHEMES = ("light", "dark")
PAGES = (
    "/",
    "/?view=list",
    "/?q=nothing-is-called-so",
    "/guests/web0002",
    "/guests/web0002/screen",
    "/guests/new",
    "/install/web0001",
    "/install/web0002",
    "/machines",
    "/hosts",
    "/hosts/local",
    "/hosts/local/networks",
    "/hosts/local/storage",
    "/mirror",
    "/profiles",
    "/profiles/p",
    "/trees",
    "/media",
    "/login",
    "/nothing/is/here",
)


class Inspector:
    """Looks at a page in every size and colour scheme; what is wrong is gathered, a line for each element."""

    def __init__(self, page: Any) -> None:
        axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
        self._axe, self._page = axe.Axe(), page
        self.found: list[str] = []

    async def look(self, name: str) -> None:
        for width, height in SIZES:
            await self._page.set_viewport_size({"width": width, "height": height})
            await self._page.wait_for_timeout(100)  # what is drawn by a script follows the window
            wide = await self._page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                self.found.append(f"{name} at {width}: {wide} pixels wide")
            for scheme in SCHEMES:
                await self._page.emulate_media(color_scheme=scheme)
                told = await self._axe.run(self._page, options={"resultTypes": ["violations"]})
                for rule in told.response["violations"]:
                    places = [f"{node['target']} {node['failureSummary']}" for node in rule["nodes"]]
                    self.found += [f"{name} at {width}, {scheme}: {rule['id']}: {one}" for one in places]


async def test_no_page_has_what_axe_complains_of(world: World, browser: Any) -> None:
    page = await open_page(browser, world, "/", [])
    inspector = Inspector(page)
    await inspector.look("the empty lab")
    await guests(world, 8, failing=1)
    await world.ask("POST", "/api/v1/machines", {"name": "rack1", "mac": "52:54:00:aa:00:01"})
    known = next(install for install in await world.store.installs() if install.guest == "web0002")
    await world.event(Kind.LOG, known.id, "installer says hello")
    await world.event(Kind.TREE_FAILED, known.id, "http://mirror.test/debian does not answer")
    for path in PAGES:
        await page.goto(world.people_root + path)
        await page.wait_for_timeout(300)
        await inspector.look(path)

    assert inspector.found == [], "\n".join(inspector.found)


async def test_the_dialogs_of_the_lab_have_none_either(world: World, browser: Any) -> None:
    await guests(world, 3)
    page = await open_page(browser, world, "/", [])
    inspector = Inspector(page)
    await page.focus('.member[tabindex="0"]')
    await page.keyboard.press("Control+a")
    await inspector.look("a selection")
    for deed in ("start", "rebuild", "delete"):
        await page.click(f"[data-deed={deed}]")
        await page.wait_for_selector("#plan-leave")
        await inspector.look(deed)
        await page.keyboard.press("Escape")

    assert inspector.found == [], "\n".join(inspector.found)
