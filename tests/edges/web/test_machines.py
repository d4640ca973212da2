"""Machines that we did not create: over the API, and on their page."""

from typing import Any

import pytest

from provisioner.core.install import Event, Kind
from tests.edges.web.conftest import needs_browser
from tests.edges.web.test_browser import open_page, until
from tests.edges.web.test_pages import PAYLOADS, assert_strict
from tests.edges.web.world import TOKEN, World, now

MAC, NAME = "52:54:00:aa:bb:cc", "machine-525400aabbcc"
UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"


async def discovered(world: World, mac: str = MAC, firmware: str = "uefi") -> None:
    """A machine as netboot tells of one."""
    facts = {"uuid": UUID if mac == MAC else "", "firmware": firmware, "address": "192.0.2.7"}
    event = Event(Kind.MACHINE_DISCOVERED, now(), "dhcp", machine=mac, text="is registered", data=facts)
    await world.store.record([event])


async def test_a_discovered_machine_is_installed_named_and_shown(world: World) -> None:
    await discovered(world)
    (found,) = (await world.ask("GET", "/api/v1/machines"))[1]
    assert (found["name"], found["discovered"], found["firmware"]) == (NAME, True, "uefi")
    assert found["first_seen"] == found["last_seen"] is not None

    body = {"profile": "p", "name": "rack1"}
    status, begun, _ = await world.ask("POST", f"/api/v1/machines/{MAC.replace(':', '%3A')}/install", body)

    assert (status, begun["machine"]["name"], begun["install"]["stage"]) == (201, "rack1", "planned")
    assert (await world.ask("GET", "/api/v1/machines/rack1"))[1] == begun
    status, refused, _ = await world.ask("POST", "/api/v1/machines/rack1/install", {"profile": "p"})
    assert (status, refused["detail"]) == (409, f"install {begun['install']['id']} of rack1 is planned")
    assert refused["remedy"].startswith("provisioner install wait ")


async def test_the_first_that_fetches_the_script_is_bound(world: World) -> None:
    """What hardware shows is its address alone; a second address gets nothing."""
    await world.ask("POST", f"/api/v1/machines/{MAC}/install", {"profile": "p"})

    status, script, _ = await world.get(f"/boot/script/?mac={MAC}")

    assert status == 200
    assert b"kernel" in script
    install = (await world.store.installs())[0]
    assert install.address == "127.0.0.1"
    assert install.stage == "loading"


@pytest.mark.parametrize("address", [MAC, MAC.upper(), MAC.replace(":", "-"), MAC.replace(":", "")])
async def test_an_address_in_any_spelling(world: World, address: str) -> None:
    await discovered(world)

    assert (await world.ask("GET", f"/api/v1/machines/{address}"))[1]["machine"]["name"] == NAME
    assert (await world.ask("DELETE", f"/api/v1/machines/{address}"))[0] == 200


async def test_the_page_without_a_machine_tells_how_one_comes(world: World) -> None:
    status, text, _ = await world.ask("GET", "/machines")

    assert status == 200
    assert "No machines yet" in text
    assert 'href="/machines" aria-current="page"' in text
    assert "provisioner machine install 52:54:00:12:34:56" in text
    assert_strict(text)


async def test_the_page_shows_what_is_known_of_each(world: World) -> None:
    await world.install()
    await discovered(world)
    await world.ask("POST", "/api/v1/machines/52:54:00:00:00:09/install", {"profile": "p", "name": "rack2"})

    _, text, _ = await world.ask("GET", "/machines")

    for words in (NAME, MAC, UUID, "discovered, uefi", "192.0.2.7", "rack2", "planned", "boots its disk"):
        assert words in text
    assert f"provisioner machine install {NAME} --name NAME --profile PROFILE" in text
    assert "web1" not in text
    assert_strict(text)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_firmware_says_stays_text(world: World, payload: str) -> None:
    await discovered(world, firmware=payload[:32])

    _, text, _ = await world.ask("GET", "/machines")

    assert_strict(text)
    if "<" in payload:
        assert payload[:32] not in text


@needs_browser
async def test_the_page_follows_without_a_reload(world: World, browser: Any) -> None:
    complaints: list[str] = []
    page = await open_page(browser, world, "/machines", complaints)
    await page.evaluate("window.kept = true")
    assert await page.is_visible("text=No machines yet")

    await discovered(world)
    await page.wait_for_selector(f'.machine[data-name="{NAME}"][data-stage=""]')
    await world.ask("POST", f"/api/v1/machines/{MAC}/install", {"profile": "p", "name": "rack1"})
    await page.wait_for_selector('.machine[data-name="rack1"][data-stage="planned"]')

    assert not await page.is_visible("text=No machines yet")
    assert await page.evaluate("window.kept") is True
    await until(page, "document.querySelectorAll('.machine').length === 1")
    assert complaints == []


@needs_browser
async def test_the_page_fits_a_small_phone(world: World, browser: Any) -> None:
    await discovered(world)
    name = "a-machine-with-quite-a-long-name.rack-17.example.org"
    await world.ask("POST", "/api/v1/machines/52:54:00:00:00:09/install", {"profile": "p", "name": name})
    page = await open_page(browser, world, "/machines", [])
    for width in (360, 700, 1280):
        await page.set_viewport_size({"width": width, "height": 700})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


MEDIA: dict[str, tuple[str, int, str]] = {
    "a CD": ("rack1/medium", 200, "iso for rack1 by the known address"),
    "a stick": ("rack1/medium?format=img&address=192.0.2.1", 200, "img for rack1 by 192.0.2.1"),
    "nobody's": ("nobody/medium", 404, "no guest and no machine is called 'nobody'"),
    "another form": ("rack1/medium?format=vdi", 422, "format='vdi' is not known; iso and img are"),
    "no address": ("rack1/medium?address=a%20b", 422, "'a b' is no address of this service"),
}


@pytest.mark.parametrize("case", MEDIA)
async def test_a_boot_medium(world: World, case: str) -> None:
    path, status, said = MEDIA[case]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with world.session.get(f"{world.people_root}/api/v1/machines/{path}", headers=headers) as answer:
        body = await answer.text()

    assert (answer.status, said in body) == (status, True)
    assert answer.headers["Cache-Control"] == "no-store"
