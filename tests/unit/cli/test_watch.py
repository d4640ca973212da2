"""`--wait`: the stages from the live stream, through an outage, to both ends."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console
from rich.spinner import Spinner

from provisioner.cli import records, watch
from provisioner.cli.api import Api, frames
from provisioner.cli.endpoint import Endpoint
from provisioner.cli.live import picture
from provisioner.cli.timeline import laps
from provisioner.core.errors import Unavailable
from provisioner.core.install import Stage
from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import INSTALL, STORY, FakeService, Request, event, frame

END = [event(6, "succeeded", "report"), event(7, "rebooted", "reboot seen")]
FAILED = [event(6, "failed", "no space left")]


class Story:
    """A service whose install goes on: `told` is how many of its events have happened."""

    def __init__(self, service: FakeService, events: list[dict[str, Any]], end: dict[str, Any]) -> None:
        self.events, self.end, self.told = events, end, 2
        self.streams, self.lock = 0, threading.Lock()
        ref = f"/installs/{INSTALL['id']}"
        service.replies = {
            "GET /installs/web1": lambda _: self.install(),
            f"GET {ref}": lambda _: self.install(),
            f"GET {ref}/events": self.since,
            f"GET {ref}/why": fake.WHY,
        }
        service.stream = self.stream

    def install(self) -> dict[str, Any]:
        over = self.told == len(self.events)
        return {**INSTALL, **self.end} if over else {**INSTALL, "stage": "creating"}

    def since(self, request: Request) -> list[dict[str, Any]]:
        after = int(request.query.get("after", 0))
        return [item for item in self.events[: self.told] if item["id"] > after]

    async def stream(self, response: web.StreamResponse, after: int) -> None:
        """Two events a connection, then it breaks off; another guest's events are in between."""
        self.streams += 1
        await response.write(b": ping\n\n")
        for _ in range(2):
            if self.told < len(self.events):
                self.told += 1
                await response.write(frame("event", {**event(99, "log"), "install": "another"}))
                await response.write(frame("event", self.events[self.told - 1]))
                await asyncio.sleep(0.02)
        if self.told == len(self.events):
            await response.write(frame("install", self.install()))
            await asyncio.sleep(30)


def test_wait_tells_each_stage_once_and_ends_well(service: FakeService, provisioner: Provisioner) -> None:
    story = Story(service, [*STORY, *END], {"stage": "installed", "percent": 100})

    ran = provisioner("install", "wait", "web1")

    assert (ran.code, ran.out) == (0, "web1: installed\n")
    assert ran.err.splitlines() == [
        "web1: creating        1.0 s",
        "web1: booting         1.0 s  power on",
        "web1: loading         1.0 s  boot script by HTTP",
        "web1: installing      2.0 s  debian12.tar.zst: 45.0 MB of 97.3 MB",
        "web1: finishing       1.0 s  report",
        "web1: installed",
    ]
    assert story.streams > 1


def test_wait_ends_with_1_and_the_cause_when_the_install_fails(
    service: FakeService, provisioner: Provisioner
) -> None:
    end = {"stage": "failed", "failed_at": "installing", "reason": "no space left"}
    Story(service, [*STORY, *FAILED], end)

    ran = provisioner("install", "wait", "web1")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-3:] == [
        "web1: failed",
        "error: web1 failed while installing: the tree http://mirror.example/centos/7 cannot be reached",
        "remedy: curl -I http://mirror.example/centos/7",
    ]


def test_wait_with_a_timeout_gives_up(
    service: FakeService, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SILENCE_SECONDS", 0.1)
    story = Story(service, [*STORY, *END], {})
    service.stream = None

    ran = provisioner("install", "wait", "web1", "--timeout", "0.3")

    assert (ran.code, story.told) == (1, 2)
    assert ran.err.splitlines()[-2:] == [
        "error: web1 is still creating after 0.3 s",
        "remedy: see what it waits for: provisioner install why web1",
    ]


def test_wait_outlives_a_restart_of_the_service() -> None:
    with FakeService() as service:
        story = Story(service, [*STORY, *END], {"stage": "installed"})
        api = Api(Endpoint(service.url, fake.TOKEN))
        broken = iter([Unavailable("away"), Unavailable("away")])
        get = api.get

        def sometimes(*path: str, **params: str) -> Any:
            if story.told > 3 and (error := next(broken, None)):
                raise error
            return get(*path, **params)

        api.get = sometimes  # type: ignore[method-assign]
        lines = list[str]()
        ended = watch.follow(api, INSTALL["id"], watch.Lines(lines.append))

    assert ended.stage is Stage.INSTALLED
    assert lines[-1] == "web1: installed"


def test_create_with_wait_follows_the_new_install(service: FakeService, provisioner: Provisioner) -> None:
    Story(service, [*STORY, *END], {"stage": "installed"})
    service.replies["POST /guests"] = {"install": INSTALL, "guest": fake.GUEST, "plan": fake.PLAN}
    service.replies["GET /guests/web1"] = fake.GUEST

    ran = provisioner("guest", "create", "web1", "-p", "debian12-image", "--wait")

    assert (ran.code, ran.out) == (0, "web1: installed, log in with: provisioner guest ssh web1\n")
    assert ran.err.startswith("warning: KVM was not proved to work: the guest is emulated\n")


def test_frames_of_an_event_stream() -> None:
    lines = [b": ping", b"", b"id: 4", b"event: event", b'data: {"a":', b"data: 1}", b"", b"retry: 10", b""]

    assert [(f.name, f.data, f.id) for f in frames(iter(lines))] == [("event", {"a": 1}, "4")]


def told(events: list[dict[str, Any]], **changes: Any) -> str:
    """The live picture as plain text, a minute wide."""
    install = records.install({**INSTALL, **changes})
    passed = laps(install, [e for e in map(records.event, events) if e is not None])
    now = datetime(2026, 1, 2, 3, 4, 9, tzinfo=UTC) + timedelta(seconds=0.5)
    console = Console(width=80, force_terminal=False, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(picture(install, passed, Spinner("dots"), now))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


RUNNING = """\
web1  debian12-image  9.5 s
✓  creating        1.0 s
✓  booting         1.0 s  power on
✓  loading         1.0 s  boot script by HTTP
⠋  installing      5.5 s  debian12.tar.zst: 45.0 MB of 97.3 MB
━━━━━━━━━━━━━━━━━━╸                       47 %"""
BROKEN = """\
web1  debian12-image  6.0 s
✓  creating        1.0 s
✓  booting         1.0 s  power on
✓  loading         1.0 s  boot script by HTTP
✓  installing      2.0 s  debian12.tar.zst: 45.0 MB of 97.3 MB
✗  failed                 no space left"""


def test_the_live_picture_while_it_runs() -> None:
    assert told(STORY) == RUNNING


def test_the_live_picture_of_a_failure() -> None:
    assert told([*STORY, *FAILED], stage="failed", failed_at="installing") == BROKEN


def test_show_prints_stages_or_all_events(service: FakeService, provisioner: Provisioner) -> None:
    Story(service, [*STORY, *END], {"stage": "installed", "percent": 100}).told = 7

    short = provisioner("install", "show", "web1").out.splitlines()
    long = provisioner("install", "show", "web1", "--events").out.splitlines()

    assert short[short.index("") + 1 :] == [
        "STAGE        TOOK  LAST SEEN",
        "planned     1.0 s  -",
        "creating    1.0 s  -",
        "booting     1.0 s  power on",
        "loading     1.0 s  boot script by HTTP",
        "installing  2.0 s  debian12.tar.zst: 45.0 MB of 97.3 MB",
        "finishing   1.0 s  report",
        "installed   0.0 s  reboot seen",
    ]
    assert long[long.index("") + 1 :][:3] == [
        "AT            SOURCE  EVENT          WHAT",
        "03:04:01.000  test    creating       -",
        "03:04:02.000  test    started        power on",
    ]
