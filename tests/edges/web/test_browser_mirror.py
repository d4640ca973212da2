"""The mirror's page in a real browser: live, switched, checked, and fit for a small phone."""

from typing import Any

from provisioner.core.mirror import Listed
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.world import World
from tests.fake_mirror import FakeCounts, FakeHealth

pytestmark = needs_browser
SOURCE = "http://mirror.example/centos-vault/7.6.1810/os/x86_64"


async def fill(world: World) -> None:
    await world.services.trees.add("centos7", SOURCE)
    await world.services.trees.add("a-tree-with-quite-a-long-name", "ftp://far.example/" + "x" * 200)
    fake = world.mirror
    fake.cache.upstream = {(SOURCE, f"{number}.rpm"): bytes(900_000) for number in range(9)}
    fake.cache.by = {"1.rpm": "primary", "2.rpm": "primary"}
    fake.contents.basics = [Listed(f"{number}.rpm") for number in range(9)]
    fake.origins.places[SOURCE] = [
        FakeHealth(SOURCE, "aside", 1.0, "1.rpm had other bytes than its repository says"),
        FakeHealth("https://second.example/7.6.1810", "ok", 0.0, "", 8_100_000, 9),
    ]
    fake.origins.archives[SOURCE] = "https://vault.centos.org/7.6.1810/os/x86_64"
    for path in list(fake.cache.upstream):
        await fake.cache.fill(*path)
    fake.cache.counted[SOURCE] = FakeCounts(90, 10, 80_000_000, 8_100_000)


async def test_trees_are_watched_switched_and_checked(world: World, browser: Any) -> None:
    complaints: list[str] = []
    await fill(world)
    page = await open_page(browser, world, "/mirror", complaints)
    tree = '.kept[data-name="centos7"]'
    assert await page.text_content(f"{tree} .stage") == "online"
    assert "90 % of" in await page.text_content(f"{tree} .amounts")

    await page.click(f"{tree} >> text=Go offline")
    await page.wait_for_selector(f'{tree}[data-state="offline"] >> text=Go online')
    assert await page.evaluate("document.activeElement.dataset.put") == "offline"
    await page.click(f"{tree} >> text=Pin")
    await page.wait_for_selector(f"{tree} >> text=Unpin")
    await page.click("text=Everything offline")
    await page.wait_for_selector("text=No upstream is asked for any tree.")
    assert world.rules.all_offline and world.rules.pinned(SOURCE)
    await page.click("text=Ask upstreams again")
    await page.wait_for_selector("text=Everything offline")

    await page.click(f"{tree} >> text=Verify")
    await until(
        page, "document.getElementById('checked').textContent.includes('2 sound, 7 unverified, 0 broken')"
    )
    found = world.mirror.objects.find(SOURCE, "2.rpm")
    assert found is not None
    with found:
        found.place.write_bytes(b"x" + found.place.read_bytes()[1:])
    await page.click("text=Verify all")
    await page.wait_for_selector('#checked[data-verdict="broken"] >> text=2.rpm: its bytes are not those')
    world.mirror.origins.archives.clear()
    await until(page, f"!document.querySelector('{tree}').textContent.includes('vault.centos.org')")
    assert complaints == []


async def test_nothing_is_wider_than_a_small_phone(world: World, browser: Any) -> None:
    await fill(world)
    page = await open_page(browser, world, "/mirror", [])
    await page.set_viewport_size({"width": 360, "height": 700})

    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
