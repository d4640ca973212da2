"""The page of one install in a real browser: its waterfall, what was asked, what is done with it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from provisioner.core.install import Event, Kind
from provisioner.service.requests import CreateGuest
from tests.edges.web.conftest import needs_browser
from tests.edges.web.life import PICTURE
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.world import World, now

pytestmark = needs_browser
SOURCES = "[...document.querySelectorAll('#waterfall text.source')].map(t => t.textContent).join()"


async def tell(world: World, install: str, kind: Kind, source: str, text: str, **data: object) -> None:
    await world.store.record([Event(kind, now(), source, install=install, text=text, data=data)])


async def booted(world: World) -> str:
    """An install whose loader, kernel and answer file were fetched."""
    install = (await world.install()).id
    await world.guests.create(CreateGuest("web1", "p"))
    await tell(world, install, Kind.DHCP_QUESTION, "dhcp", "PXEClient asks", arch="0")
    await tell(world, install, Kind.DHCP_RIVAL, "dhcp", "192.0.2.9 offers a boot file as well")
    await tell(world, install, Kind.LOADER_SENT, "tftp", "undionly.kpxe", file="undionly.kpxe", bytes=70100)
    await tell(world, install, Kind.TREE_BYTES, "http", "vmlinuz: 3.0 MB of 8.0 MB", path="vmlinuz", sent=3)
    await tell(world, install, Kind.KERNEL_SENT, "http", "vmlinuz: 8.0 MB", path="vmlinuz", sent=8)
    await tell(world, install, Kind.ANSWER_SERVED, "http", "ks.cfg to 192.0.2.7", file="ks.cfg")
    return install


async def test_a_waterfall_has_a_row_for_each_source_and_is_live(world: World, browser: Any) -> None:
    install = await booted(world)
    complaints: list[str] = []
    page = await open_page(browser, world, f"/install/{install}", complaints)
    await until(page, f"{SOURCES} === 'DHCP,TFTP,HTTP boot,Answer file,test'")
    before = await page.text_content("#asked-count")

    await tell(world, install, Kind.LOG, "syslog", "anaconda 40 begins")
    await tell(world, install, Kind.TREE_FAILED, "http", "mirror.test does not answer")
    await until(page, f"{SOURCES} === 'DHCP,TFTP,HTTP boot,Answer file,Tree,Installer log,test'")
    assert await page.evaluate("document.querySelectorAll('#waterfall .spot.bad').length") >= 2
    assert before == "6 lines"
    await until(page, "document.getElementById('asked-count').textContent === '7 lines'")
    assert complaints == []


async def test_the_waterfall_is_read_by_keys(world: World, browser: Any) -> None:
    install = await booted(world)
    page = await open_page(browser, world, f"/install/{install}", [])
    await until(page, f"{SOURCES}.startsWith('DHCP')")
    await page.focus("#waterfall")

    await page.keyboard.press("End")
    assert "DHCP: dhcp.rival 192.0.2.9 offers" in await page.text_content("#mark")
    await page.keyboard.press("ArrowDown")
    assert "TFTP: loader.sent undionly.kpxe" in await page.text_content("#mark")
    await page.keyboard.press("ArrowDown")
    assert "HTTP boot: kernel.sent vmlinuz: 8.0 MB" in await page.text_content("#mark")
    await page.keyboard.press("Enter")
    assert "kernel.sent" in await page.evaluate("document.activeElement.textContent")
    await tell(world, install, Kind.PROGRESS, "report", "20 of 60")
    await page.wait_for_selector("#timeline >> text=20 of 60")
    assert "kernel.sent" in await page.text_content("#mark")


async def test_a_stage_is_looked_at_alone(world: World, browser: Any) -> None:
    install = await world.install()
    for second, kind in (
        (20, Kind.SCRIPT_SENT),
        (60, Kind.ANSWER_SERVED),
        (61, Kind.PROGRESS),
        (63, Kind.LOG),
    ):
        at = install.created + timedelta(seconds=second)
        await world.store.record([Event(kind, at, "http", install=install.id, text=f"at {second}")])
    page = await open_page(browser, world, f"/install/{install.id}", [])
    spots = "document.querySelectorAll('#waterfall .spot').length"
    await until(page, f"{spots} >= 5")  # creating and started may be one
    await page.click('#zooms [data-stage="installing"]')

    await until(page, f"{spots} === 3")
    assert await page.get_attribute('#zooms [data-stage="installing"]', "aria-pressed") == "true"
    assert "+1 m 01 s" in await page.text_content("#waterfall")
    await page.focus("#waterfall")
    await page.keyboard.press("Escape")
    await until(page, f"{spots} >= 5")


async def test_two_thousand_events_are_few_marks(world: World, browser: Any) -> None:
    install = await booted(world)
    lines = [Event(Kind.LOG, now(), "syslog", install=install, text=f"line {n}") for n in range(2000)]
    await world.store.record(lines)
    page = await open_page(browser, world, f"/install/{install}", [])

    await until(page, f"{SOURCES}.includes('Installer log')")
    assert await page.evaluate("document.querySelectorAll('#waterfall *').length") < 120
    await page.fill("#find", "LINE 1999")
    assert await page.is_visible("#timeline >> text=line 1999")
    shown = "[...document.querySelectorAll('#timeline li')].filter(l => l.checkVisibility()).length"
    assert await page.evaluate(shown) == 1
    await tell(world, install, Kind.LOG, "syslog", "another line")
    await page.wait_for_selector("#timeline >> text=another line", state="attached")
    assert not await page.is_visible("#timeline >> text=another line")


async def test_all_packages_are_one_bar_and_a_line_that_tells_of_trouble_is_red(
    world: World, browser: Any
) -> None:
    install = await world.install()
    for n in range(1, 21):
        at = install.created + timedelta(seconds=n * 5)
        data = {"part": "package", "n": n, "bytes": n * 1000, "total": 0, "path": f"p{n}.rpm"}
        fetched = Event(Kind.TREE_BYTES, at, "http", install=install.id, text=f"{n} package files", data=data)
        other = {"part": "metadata", "n": 1, "bytes": 9, "total": 0, "path": "repomd.xml"}
        beside = Event(Kind.TREE_BYTES, at, "http", install=install.id, text="metadata", data=other)
        await world.store.record([fetched, *([beside] if n < 3 else [])])
    await tell(world, install.id, Kind.CONSOLE, "console", "Kernel panic", sign="panic", cause="x")
    page = await open_page(browser, world, f"/install/{install.id}", [])

    await until(page, f"{SOURCES}.startsWith('Tree,Serial console')")
    assert await page.evaluate("document.querySelectorAll('#waterfall .span').length") == 2
    assert await page.evaluate("document.querySelectorAll('#waterfall .spot.bad').length") == 1
    await until(page, "document.getElementById('asked-count').textContent === '5 lines'")
    assert "20 whole, 20.0 kB" in await page.text_content("#asked tr:last-child")


async def test_what_was_asked_is_narrowed(world: World, browser: Any) -> None:
    install = await booted(world)
    page = await open_page(browser, world, f"/install/{install}", [])
    await until(page, "document.getElementById('asked-count').textContent === '6 lines'")

    await page.fill("#asked-find", "tftp 70.1")
    assert await page.text_content("#asked-count") == "1 of 6 lines"
    assert "undionly.kpxe" in await page.text_content("#asked tr:not([hidden])")


async def test_its_answer_file_and_what_changed(world: World, browser: Any) -> None:
    install = await booted(world)
    complaints: list[str] = []
    page = await open_page(browser, world, f"/install/{install}", complaints)

    await page.click("summary >> text=would be given it now")
    await page.wait_for_selector("#answer-preview >> text=rootpw ***")
    await page.click("summary >> text=What changed since")
    await page.wait_for_selector("#answer-diff .added >> text=+lang de")
    assert complaints == []


async def test_an_install_is_cancelled_after_its_plan_was_read(world: World, browser: Any) -> None:
    install = await booted(world)
    page = await open_page(browser, world, f"/install/{install}", [])
    await page.click('[data-do="cancel"]')
    await page.wait_for_selector("#planned >> text=it and its disk stay")
    await page.keyboard.press("Escape")
    assert (await world.store.install(install)).stage.value == "installing"

    await page.click('[data-do="cancel"]')
    await page.click('#planned [data-p="do"]')
    await page.wait_for_selector('#page[data-stage="cancelled"]')
    assert not await page.is_visible('[data-do="cancel"]')


async def test_its_guest_is_seen_and_heard(world: World, browser: Any) -> None:
    former = await booted(world)
    await world.store.record([Event(Kind.CANCELLED, now(), "service", install=former)])
    await world.store.remove_guest("web1")
    install = (await world.install()).id
    world.guests.guests["web1"] = replace(world.guests.guests["web1"], screen=True)
    complaints: list[str] = []

    page = await open_page(browser, world, f"/install/{install}", complaints)
    await page.wait_for_selector("#serial >> text=what it said before")
    await page.evaluate("document.getElementById('glass').scrollIntoView()")
    await until(page, "document.querySelector('#glass img').naturalWidth === 64")
    assert await page.is_visible('[data-do="rebuild"]')
    await page.goto(f"{world.people_root}/install/{former}")
    await page.wait_for_selector('#live[data-state="live"]')
    assert not await page.is_visible("#machine")
    assert complaints == []


BUDGET = {
    "compared": 5,
    "expected": 130.0,
    "stages": [
        {
            "stage": "loading",
            "took": 90.0,
            "runs": False,
            "usual": {"median": 20.0, "low": 15.0, "high": 30.0},
            "difference": 70.0,
            "late": True,
            "change": {"text": "since 2026-11-01: 20 s before, 88 s now"},
        },
        {
            "stage": "installing",
            "took": 3.0,
            "runs": True,
            "usual": None,
            "difference": None,
            "late": False,
            "change": None,
        },
    ],
}


async def test_its_time_stands_beside_earlier_ones_and_the_screen_it_failed_with(
    world: World, browser: Any
) -> None:
    install = await booted(world)
    await world.evidence.keep(install, "screen", PICTURE)
    await world.evidence.keep(install, "serial", b"panic\r\n")
    complaints: list[str] = []
    page = await open_page(browser, world, "/", complaints)
    await page.route("**/budget", lambda route: route.fulfill(json=BUDGET))
    await page.goto(f"{world.people_root}/install/{install}")
    await page.wait_for_selector("#budget >> text=1 m 10 s longer")

    text = await page.text_content("#budget")
    for words in ("20 s (15 s to 30 s)", "88 s now", "3 s so far", "median of 5, 2 m 10 s in all"):
        assert words in text
    assert await page.evaluate("document.querySelector('.last-screen').naturalWidth") == 64
    await page.click("text=serial line >> nth=-1")
    assert await page.text_content("body") == "panic\n"
    assert complaints == []
