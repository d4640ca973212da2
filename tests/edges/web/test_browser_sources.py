"""Profiles, trees and media in a real browser: what may be changed of them, after saying what it means."""

from pathlib import Path
from typing import Any

from provisioner.core.profile import Profile, Tree
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import until
from tests.edges.web.world import World

pytestmark = needs_browser
SUM = "document.getElementById('sum').textContent"


async def visit(browser: Any, world: World, path: str, complaints: list[str]) -> Any:
    page = await (await browser.new_context()).new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    _, body, _ = await world.ask("POST", "/api/v1/login-keys")
    await page.goto(body["url"])
    await page.goto(world.people_root + path)
    return page


async def test_a_profile_is_changed_with_its_answer_file_beside_it(world: World, browser: Any) -> None:
    complaints: list[str] = []
    world.profiles.kept["p"] = Profile("p", "rhel", "t", variables={"timezone": "UTC", "port": 22, "id": "7"})
    page = await visit(browser, world, "/profiles", complaints)
    await page.click('a[href="/profiles/p"]')
    await page.wait_for_url("**/profiles/p")
    await until(page, "document.getElementById('preview').textContent.includes('memory 1024')")
    assert await page.input_value("#variables") == 'timezone=UTC\nport=22\nid="7"'

    await page.fill("#memory", "2048")
    await until(page, "document.getElementById('preview').textContent.includes('memory 2048')")
    assert world.profiles.kept["p"].memory == 1024
    await page.fill("#variables", 'port=23\nid="7"\npackages=["vim"]')
    await page.click("text=Save")
    await page.wait_for_selector("#told >> text=Kept.")
    kept = world.profiles.kept["p"]
    assert (kept.memory, kept.variables) == (2048, {"port": 23, "id": "7", "packages": ["vim"]})
    assert complaints == []


async def test_what_a_check_finds_and_what_is_no_number_is_told(world: World, browser: Any) -> None:
    page = await visit(browser, world, "/profiles/p", [])
    await page.fill("#disk", "1")
    await until(page, f"{SUM} === 'Its installer would not take this.'")
    assert await page.text_content("#findings li") == "line 2: no disk"
    await page.fill("#disk", "a lot")
    await until(page, f"{SUM} === 'a lot is no number'")
    await page.click("text=Save")
    await page.wait_for_selector("#fault >> text=a lot is no number")
    assert world.profiles.kept["p"].disk == 4


async def test_a_shipped_profile_is_copied_and_a_copy_removed(world: World, browser: Any) -> None:
    world.profiles.kept["shipped"] = Profile("shipped", "rhel", "t", shipped=True)
    page = await visit(browser, world, "/profiles/shipped", [])
    assert await page.is_disabled("#memory")
    assert not await page.is_visible("text=Save")
    await page.fill("#new-name", "mine")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/profiles/mine")

    await page.click("text=Remove >> nth=-1")
    await page.wait_for_selector("#planned >> text=profile mine is forgotten")
    await page.keyboard.press("Escape")
    assert "mine" in world.profiles.kept
    await page.click("button.danger")
    await page.click('#planned [data-p="do"]')
    await page.wait_for_url("**/profiles")
    assert "mine" not in world.profiles.kept


async def test_a_tree_is_looked_at_and_made_known(world: World, browser: Any) -> None:
    complaints: list[str] = []
    page = await visit(browser, world, "/trees", complaints)
    await page.fill("#source", "/nothing")
    await page.click("#look")
    await page.wait_for_selector("#recognised >> text=no known installer")
    await page.fill("#source", "http://mirror.test/el7")
    await page.click("#look")
    await page.wait_for_selector("#recognised >> text=rhel")
    await page.fill("#name", "el7")
    await page.click("text=Add")
    await page.wait_for_url("**/trees/el7")

    assert (await world.store.tree("el7")).source == "http://mirror.test/el7"
    assert complaints == []


async def test_a_tree_is_switched_limited_and_removed(world: World, browser: Any) -> None:
    complaints: list[str] = []
    await world.store.put_tree(Tree("t", "http://mirror.test/el7", "rhel", "7", "vmlinuz", "initrd"))
    await world.rules.refresh()
    page = await visit(browser, world, "/trees/t", complaints)

    await page.click("text=Pin")
    await page.wait_for_selector("#told >> text=stays")
    assert (await world.store.tree("t")).pinned
    await page.fill("#size", "1.5")
    await page.click("text=Set")
    await page.wait_for_selector("#told >> text=at most")
    assert (await world.store.tree("t")).quota == 3 * 2**29
    await page.fill("#mirrors", "http://a.test/el7\nhttp://b.test/el7")
    await page.click("text=Save")
    await page.wait_for_selector("#told >> text=read anew")
    assert (await world.store.tree("t")).mirrors == ("http://a.test/el7", "http://b.test/el7")
    await page.click("text=Drop")
    await page.wait_for_selector("#planned >> text=the tree stays")
    await page.keyboard.press("Escape")
    await page.click("button.danger >> nth=-1")
    await page.wait_for_selector("#planned >> text=profile p cannot install")
    await page.click('#planned [data-p="do"]')
    await page.wait_for_url("**/trees")
    assert await world.store.trees() == []
    assert complaints == []


async def test_a_password_of_a_tree_is_on_no_page(world: World, browser: Any) -> None:
    await world.store.put_tree(Tree("t", "http://me:hunter2@mirror.test/el7", "rhel", "7", "k", "i"))
    page = await visit(browser, world, "/trees/t", [])

    assert "hunter2" not in await page.content()
    assert not await page.is_visible("#mirrors")


async def test_a_medium_is_added_and_removed(world: World, browser: Any, tmp_path: Path) -> None:
    complaints: list[str] = []
    file = tmp_path / "disk.img"
    file.write_bytes(b"\0" * 4096)
    page = await visit(browser, world, "/media", complaints)
    await page.set_input_files("#file", str(file))
    await page.click("#upload button")
    await page.wait_for_selector("#told >> text=disk.img is added")
    await page.click('[aria-label="Remove disk.img"]')
    await page.click('#planned [data-p="do"]')
    await page.wait_for_selector("#told >> text=medium disk.img is removed")

    assert not await page.is_visible("th >> text=disk.img")
    assert complaints == []


async def test_nothing_is_wider_than_a_small_phone(world: World, browser: Any) -> None:
    await world.store.put_tree(Tree("t", f"http://mirror.test/{'x' * 200}", "rhel", "7", "k", "i"))
    page = await visit(browser, world, "/profiles", [])
    await page.set_viewport_size({"width": 360, "height": 700})
    for path in ("/profiles", "/profiles/p", "/trees", "/trees/t", "/media"):
        await page.goto(world.people_root + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
