"""What goes over the wire, line by line, as the service's live stream tells it."""

import json
from typing import Any

import pytest
from aiohttp import web

from provisioner.cli import netboot
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import INSTALL, FakeService, Problem, event, frame

OTHER = "52:54:00:00:00:99"


def happened(number: int, kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {**event(number, kind, text), "machine": INSTALL["mac"], "data": {"interface": "br0"}, **more}


EVENTS = [
    happened(1, "dhcp.question", "bios iPXE asks: DISCOVER"),
    happened(2, "dhcp.rival", "192.0.2.9 answers as well, with pxelinux.0"),
    happened(3, "progress", "half way"),
    happened(4, "dhcp.ignored", "asked on br9, which is not served", install="", machine=OTHER),
    happened(5, "log", "no file here", source="tftp", install="", machine="", data={"address": "192.0.2.7"}),
    happened(6, "log", "a line of the installer"),
    happened(7, "loader.sent", "snponly.efi: 9 bytes in 0.01 s"),
    happened(8, "loader.refused", "not started", data={"interface": "br0", "remedy": "use shim"}),
]
LINES = [
    f"br0         {INSTALL['mac']} (web1)  dhcp.question: bios iPXE asks: DISCOVER",
    f"br0         {INSTALL['mac']} (web1)  dhcp.rival: 192.0.2.9 answers as well, with pxelinux.0",
    f"br0         {OTHER}  dhcp.ignored: asked on br9, which is not served",
    "-           192.0.2.7  log: no file here",
    f"br0         {INSTALL['mac']} (web1)  loader.sent: snponly.efi: 9 bytes in 0.01 s",
    f"br0         {INSTALL['mac']} (web1)  loader.refused: not started; use shim",
]


@pytest.fixture
def told(service: FakeService) -> FakeService:
    """All of it over the first connection, which then breaks; nothing more comes over the next."""
    left = [*EVENTS]

    async def stream(response: web.StreamResponse, after: int) -> None:
        while left:
            await response.write(frame("event", left.pop(0)))

    service.replies = {"GET /installs": [INSTALL]}
    service.stream = stream
    return service


def test_watch_prints_what_is_of_a_boot(told: FakeService, provisioner: Provisioner) -> None:
    ran = provisioner("netboot", "watch", "--for", "1")

    assert ran.code == 0
    assert [line.partition("  ")[2] for line in ran.out.splitlines()] == LINES


@pytest.mark.parametrize(("name", "lines"), [("WEB1", [0, 1, 4, 5]), (OTHER, [2]), ("web2", [])])
def test_watch_keeps_to_those_named(
    told: FakeService, provisioner: Provisioner, name: str, lines: list[int]
) -> None:
    ran = provisioner("netboot", "watch", name, "--for", "1")

    assert [line.partition("  ")[2] for line in ran.out.splitlines()] == [LINES[line] for line in lines]


def test_watch_as_json_prints_the_events(told: FakeService, provisioner: Provisioner) -> None:
    ran = provisioner("netboot", "watch", "-o", "json", "--for", "1")

    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [1, 2, 4, 5, 7, 8]


def test_watch_ends_where_the_service_stays_away(
    told: FakeService, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netboot, "_OUTAGE_SECONDS", 0.0)
    told.replies["GET /installs"] = Problem(503, "the database is away", "wait")

    ran = provisioner("netboot", "watch")

    assert ran.code == 1
    assert "error: the database is away" in ran.err
