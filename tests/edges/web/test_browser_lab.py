"""The lab's page in a real browser: found, selected by hand and by keyboard, switched with the plan first."""

from dataclasses import replace
from typing import Any

from provisioner.core.install import Kind
from tests.edges.web.conftest import needs_browser
from tests.edges.web.crowd import REASON, guests
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.world import World

pytestmark = needs_browser
NAMES = "[...document.querySelectorAll('.member')].map((row) => row.dataset.name)"
CHOSEN = "[...document.querySelectorAll('[aria-selected=true]')].map((row) => row.dataset.name)"


async def test_failed_ones_come_first_and_say_why(world: World, browser: Any) -> None:
    complaints: list[str] = []
    names = await guests(world, 8)
    page = await open_page(browser, world, "/", complaints)
    running = next(i for i in await world.store.installs() if not i.over and i.guest == names[1])

    await world.event(Kind.FAILED, running.id, REASON)
    await until(page, f"document.querySelector('.member').dataset.name === '{names[1]}'")
    row = f'.member[data-name="{names[1]}"]'
    await page.wait_for_selector(f"{row} .reason >> text=a cable")  # the cause, once it is known

    assert await page.get_attribute(row, "data-rank") == "failed"
    assert await page.text_content("#count-failed") == "1"
    assert complaints == []


async def test_what_is_looked_for_is_kept_in_the_address(world: World, browser: Any) -> None:
    await guests(world, 12, failing=2)
    page = await open_page(browser, world, "/", [])

    await page.fill("[name=q]", "web alma9")
    await page.check("[name=stage][value=running]")
    await page.select_option("[name=sort]", "name")
    await page.select_option("[name=view]", "list")
    shown = await page.evaluate(NAMES)
    assert shown and await page.evaluate("location.search") == (
        "?q=web+alma9&stage=running&sort=name&view=list"
    )
    await page.reload()
    await page.wait_for_selector('#live[data-state="live"]')
    assert await page.evaluate(NAMES) == shown
    assert await page.input_value("[name=q]") == "web alma9"
    assert await page.get_attribute("#members", "data-view") == "list"

    await page.fill("[name=q]", "nothing is called so")
    assert await page.is_visible("#nothing")
    await page.press("[name=q]", "Escape")
    assert set(await page.evaluate(NAMES)) > set(shown)


async def test_selected_by_keyboard_as_lists_of_files_are(world: World, browser: Any) -> None:
    names = await guests(world, 6)
    page = await open_page(browser, world, "/?sort=name&view=list", [])
    await page.focus('.member[tabindex="0"]')
    assert await page.evaluate("document.querySelectorAll('.member[tabindex=\"0\"]').length") == 1

    for keys, chosen in (
        (["Space"], names[:1]),
        (["ArrowDown", "ArrowDown"], names[:1]),
        (["Space"], [names[0], names[2]]),
        (["Shift+ArrowDown", "Shift+ArrowDown"], names[2:5]),
        (["Shift+ArrowUp"], names[2:4]),
        (["Control+a"], names),
        (["Escape"], []),
        (["End", "Space"], names[-1:]),
        (["Home", "Shift+End"], names),
    ):
        for key in keys:
            await page.keyboard.press(key)
        assert await page.evaluate(CHOSEN) == chosen, keys
    assert await page.text_content("#selected") == "6 selected"
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/guests/{names[-1]}")


async def test_selected_by_mouse_and_by_finger(world: World, browser: Any) -> None:
    names = await guests(world, 5)
    page = await open_page(browser, world, "/?sort=name", [])

    async def click(number: int, *modifiers: str) -> list[str]:
        row = page.locator(f'.member[data-name="{names[number]}"] .glass')
        await row.click(modifiers=list(modifiers), position={"x": 80, "y": 60})
        return list(await page.evaluate(CHOSEN))

    assert await click(1) == [names[1]]
    assert await click(3, "Control") == [names[1], names[3]]
    assert await click(4, "Shift") == names[3:]
    assert await click(0) == names[:1]
    await page.locator(f'.member[data-name="{names[2]}"] .tick').click()
    assert await page.evaluate(CHOSEN) == [names[0], names[2]]
    await page.fill("[name=q]", names[2])
    assert await page.evaluate(CHOSEN) == names[2:3]  # what cannot be seen is never acted on


async def test_deleting_shows_what_is_lost_and_leaves_the_rest(world: World, browser: Any) -> None:
    complaints: list[str] = []
    names = await guests(world, 4)
    page = await open_page(browser, world, "/?sort=name", complaints)
    await page.focus('.member[tabindex="0"]')
    await page.keyboard.press("Space")
    await page.keyboard.press("Shift+ArrowRight")
    await page.click("[data-deed=delete]")
    await page.wait_for_selector("#plan-go:enabled")

    assert await page.text_content("#plan-title") == "Delete 2 guests?"
    plan = await page.inner_text("#plan-list")
    for words in (
        names[0],
        f"volume {names[0]}-i1 of pool default",
        "the state of its TPM",
        "stays: volume base",
    ):
        assert words in plan
    for _ in range(4):  # the focus stays in the dialog
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await page.keyboard.press("Escape")
    await until(page, f"document.activeElement.dataset.name === '{names[1]}'")
    assert world.guests.calls == []

    await page.click("[data-deed=delete]")
    await page.click("#plan-go:enabled")
    await page.wait_for_selector("#plan", state="hidden")
    assert sorted(world.guests.calls) == [f"delete {name}" for name in names[:2]]
    assert complaints == []


async def test_what_cannot_be_switched_is_left_alone(world: World, browser: Any) -> None:
    names = await guests(world, 3)
    for name, state in zip(names, ("shut off", "running", "shut off"), strict=True):
        world.guests.guests[name] = replace(world.guests.guests[name], state=state)
    page = await open_page(browser, world, "/?sort=name", [])
    await page.focus('.member[tabindex="0"]')
    await page.keyboard.press("Control+a")
    await page.click("[data-deed=start]")
    await page.wait_for_selector("#plan-go:enabled")
    assert "left alone: runs already" in await page.inner_text("#plan-list")
    assert await page.text_content("#plan-go") == "Start 2 guests"
    del world.guests.guests[names[2]]
    await page.click("#plan-go")
    await page.wait_for_selector(f"#plan-list >> text=no guest is called '{names[2]}'")

    assert world.guests.calls == [f"start {names[0]}"]
    assert await page.text_content("#plan-note") == "2 of 2 done, 1 failed."


async def test_guests_come_and_go_and_show_their_screens(world: World, browser: Any) -> None:
    complaints: list[str] = []
    names = await guests(world, 2)
    world.guests.guests[names[0]] = replace(world.guests.guests[names[0]], screen=True)
    page = await open_page(browser, world, "/", complaints)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "screenshot" in answer.url else None)
    row = f'.member[data-name="{names[0]}"]'
    await page.wait_for_selector(f"{row} canvas:not([hidden])")
    for _ in range(200):
        if 304 in answers:
            break
        await page.wait_for_timeout(50)
    assert 304 in answers  # the same picture is not sent twice

    world.guests.guests[names[0]] = replace(world.guests.guests[names[0]], state="shut off")
    await page.wait_for_selector(f'{row}[data-state="shut off"] .dark >> visible=true')
    await world.install("another", mac="52:54:00:00:99:01")
    await page.wait_for_selector('.member[data-name="another"]')
    del world.guests.guests[names[1]]
    await world.store.remove_guest(names[1])
    await page.wait_for_selector(f'.member[data-name="{names[1]}"]', state="detached")
    assert [words for words in complaints if "404" not in words] == []
