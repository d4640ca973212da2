"""The dashboard of the true service on libvirt's test driver: a guest by the form, to its end."""

import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.edges.cli.conftest import CENTOS, Call
from tests.edges.web.conftest import CHROMIUM, FLAGS

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}"),
]
FIRST_START = 120_000
"""Milliseconds: a service that was never started before makes its mini installer first."""


@pytest.fixture
async def page(call: Call) -> AsyncIterator[Any]:
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = await started.new_page()
        await page.goto(call("token").stdout.split()[-1])
        yield page
        await started.close()


async def test_a_guest_by_the_form_is_seen_followed_and_cancelled(call: Call, mirror: str, page: Any) -> None:
    assert call(f"tree add centos7 {mirror}/{CENTOS}").returncode == 0
    await page.click("text=New guest")
    await page.select_option("#profile", "centos7")
    await page.fill("#memory", "64")
    await page.fill("#name", "Not a name")
    for field, words in (("name", "guest name"), ("memory", "128 MiB is the least")):
        line = await page.wait_for_selector(f'#v-{field}[data-severity="fail"]', timeout=FIRST_START)
        assert words in await line.text_content()

    await page.fill("#memory", "2048")
    await page.fill("#name", "form1")
    await page.select_option("#networks", "user")
    await page.wait_for_selector("#sum >> text=form1 can be created")
    assert "form1" in await page.text_content("#plan")
    command = await page.text_content("#command")
    planned = call(f"{command.removeprefix('provisioner ')} --dry-run -o json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["steps"][0].startswith("create volume")

    await page.click("#create")
    await page.wait_for_url("**/install/*")
    await page.wait_for_selector("#waterfall text.source >> text=Service")
    await page.click('[data-do="cancel"]')
    await page.click('#planned [data-p="do"]')
    await page.wait_for_selector('#page[data-stage="cancelled"]')
    await page.click("text=Lab >> nth=0")
    await page.wait_for_selector('.member[data-name="form1"]')
    await page.goto(page.url + "guests/form1")
    await page.click('[data-do="remove"]')
    await page.click('#planned [data-p="do"]')
    await page.wait_for_selector("#members, #empty")
    assert "form1" not in call("guest list").stdout
