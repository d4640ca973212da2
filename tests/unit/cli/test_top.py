"""`top`, `events`, `install budget`, `profile pace`: what they print, at every width."""

import io
import json
import os
import pty
import select
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console

from provisioner.cli import events, follow
from provisioner.cli.api import Api
from provisioner.cli.endpoint import Endpoint
from provisioner.cli.events import followed
from provisioner.cli.records import moment
from provisioner.cli.top_picture import SORTS, Board, picture
from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner, told_once
from tests.unit.cli.fake import INSTALL, FakeService, event, frame

LEFT = {"left_seconds": 130, "left_least": 100, "left_most": 200, "expected_seconds": 200, "slower": ""}


def install(number: int, stage: str = "installing", **changes: object) -> dict[str, Any]:
    named = {"id": f"i{number}", "guest": f"web{number}", "stage": stage, "percent": 40}
    return {**INSTALL, **named, **LEFT, "host": "", "address": f"192.0.2.{number}", **changes}


def drawn(board: Board, width: int, height: int = 0, sort: str = "name") -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    now = moment(INSTALL["created"]) + timedelta(seconds=70)
    console.print(picture(board, sort, width, height, now))
    return [line.rstrip() for line in console.export_text().splitlines()]


def board(*installs: Mapping[str, Any]) -> Board:
    return Board({str(one["id"]): one for one in installs}, hosts={"": "local", "qemu+ssh://b/system": "b"})


def test_a_row_tells_how_far_how_long_and_what_last() -> None:
    told = board(install(1), install(2, host="qemu+ssh://b/system"))
    told.last["i1"] = "60 package files, 60.0 MB; last libc.rpm"

    wide = drawn(told, 200)

    assert wide[0] == "2 running  2 m 10 s left for all"
    assert wide[3].split()[:4] == ["web1", "debian12-image", "local", "installing"]
    assert "40  2 m 10 s" in wide[3] and "192.0.2.1" in wide[3]
    assert wide[3].endswith("60 package files, 60.0 MB; last libc.rpm")
    assert " b " in wide[4]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = install(1, guest="a-guest-with-a-very-long-name-indeed", profile="p" * 60, slower="x" * 300)
    rows = drawn(board(long, install(2)), width)

    assert max(map(len, rows)) <= width
    assert len(rows) == 5
    assert rows[4].startswith("web2")


def test_there_are_as_many_rows_as_the_terminal_has_lines() -> None:
    rows = drawn(board(*(install(number) for number in range(300))), 80, height=24)

    assert len(rows) <= 24
    assert rows[-1] == "… and 281 more"


def test_what_failed_comes_first_with_its_reason() -> None:
    rows = drawn(
        board(install(1, "installed"), install(2), install(3, "failed", reason="no space left")), 120
    )

    assert rows[0] == "1 running  1 installed  1 failed  2 m 10 s left for all"
    assert [row.split()[0] for row in rows[3:]] == ["web3", "web2", "web1"]
    assert rows[3].endswith("no space left")


@pytest.mark.parametrize(
    ("sort", "order"),
    {
        "name": ["web1", "web2", "web3"],
        "begun": ["web3", "web1", "web2"],
        "stage": ["web2", "web3", "web1"],
        "left": ["web2", "web3", "web1"],
    }.items(),
)
def test_the_order_is_asked_for(sort: str, order: list[str]) -> None:
    first = str((moment(INSTALL["created"]) - timedelta(minutes=1)).isoformat())
    told = board(
        install(1, "loading", left_seconds=None),
        install(2, left_seconds=9),
        install(3, percent=30, created=first),
    )

    assert [row["guest"] for row in told.rows(sort)] == order
    assert sort in SORTS


def test_top_without_a_terminal_is_printed_once(provisioner: Provisioner, service: FakeService) -> None:
    service.replies = {
        "GET /installs": [install(1)],
        "GET /events": [event(7, "tree.bytes", "20 package files") | {"install": "i1"}],
        "GET /hosts": [],
    }
    ran = provisioner("top")

    assert (ran.code, ran.err) == (0, "")
    assert "web1" in ran.out and "20 package files" in ran.out
    assert provisioner("top", "-o", "json").out == json.dumps([install(1)], indent=2) + "\n"


def test_top_of_nothing(provisioner: Provisioner, service: FakeService) -> None:
    service.replies = {"GET /installs": [], "GET /hosts": []}

    assert provisioner("top", "--once").out.splitlines() == ["0 running", "", "nothing is being installed"]


def test_top_on_a_terminal_is_drawn_until_q(service: FakeService) -> None:
    service.replies = {"GET /installs": [install(1)], "GET /events": [], "GET /hosts": []}
    pid, terminal = pty.fork()
    if not pid:
        os.environ.update(service.environment(), TERM="xterm", COLUMNS="80", LINES="24")
        os.execv(sys.executable, [sys.executable, "-m", "provisioner", "top"])
    seen = b""
    deadline = time.monotonic() + 60
    while b"web1" not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536)
    os.write(terminal, b"q")
    while time.monotonic() < deadline:
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            break
    _, status = os.waitpid(pid, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0
    assert b"web1" in seen
    assert seen.rstrip().endswith(b"\x1b[?1049l")  # the screen of before is back


def test_the_last_events_are_lines(provisioner: Provisioner, service: FakeService) -> None:
    service.replies = {
        "GET /events": [event(1, "log", "two\nlines"), {**event(2, "alarm", "rogue"), "install": ""}],
        "GET /installs": [INSTALL],
    }
    ran = provisioner("events")

    first, second = ran.out.splitlines()
    assert (ran.code, service.asked[0].query) == (0, {"latest": "50"})
    assert first.split()[1:] == [INSTALL["guest"], "log", "two", "lines"]
    assert second.split()[2:] == ["alarm", "rogue"]


def test_events_after_an_id_are_read_page_by_page(provisioner: Provisioner, service: FakeService) -> None:
    happened = [event(number, "log") for number in range(1, 1501)]
    service.replies = {
        "GET /events": lambda asked: [e for e in happened if e["id"] > int(asked.query["after"])][:1000],
        "GET /installs/web1": INSTALL,
    }
    ran = provisioner("events", "--after", "3", "--install", "web1", "-o", "json")

    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == list(range(4, 1501))
    assert [asked.query.get("install") for asked in service.asked] == [None, INSTALL["id"], INSTALL["id"]]


def test_events_are_followed_over_a_restart_without_loss_or_repeat(service: FakeService) -> None:
    """Each connection gives three events from where it is asked, the last one once more, and breaks off."""

    async def stream(response: web.StreamResponse, after: int) -> None:
        for number in range(after, after + 4):
            await response.write(frame("event", event(number, "log")))

    service.stream = stream
    api = Api(Endpoint(service.url, fake.TOKEN))

    assert [told["id"] for told in islice(followed(api, 2), 8)] == list(range(3, 11))


def test_a_service_that_is_away_is_told_once_and_waited_for(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_RETRY_SECONDS", 0.01)
    told: list[str] = []

    async def stream(response: web.StreamResponse, after: int) -> None:
        await response.write(frame("event", event(after + 1, "log")))

    service.stream = stream
    gone = Api(Endpoint("http://127.0.0.1:9", fake.TOKEN))

    def tell(text: str) -> None:
        told.append(text)
        gone.endpoint = Endpoint(service.url, fake.TOKEN)

    assert next(followed(gone, 4, tell=tell))["id"] == 5
    assert told == [
        "the service at http://127.0.0.1:9 does not answer; waiting for it",
        "the service is back",
    ]


def test_a_budget_marks_the_late_stage(provisioner: Provisioner, service: FakeService) -> None:
    usual = {"median": 12.0, "low": 10.0, "high": 15.0}
    change = {"since": "2026-11-20T10:00:00Z", "was": 12.0, "now": 41.0, "text": "loading takes 41 s"}
    row = {"took": 41.4, "runs": True, "usual": usual, "difference": 29.4, "late": True, "change": change}
    new = {"took": None, "runs": False, "usual": None, "difference": None, "late": False, "change": None}
    budget = {
        "guest": "web1",
        "profile": "debian13",
        "took": 60.0,
        "expected": 200.0,
        "compared": 12,
        "stages": [{"stage": "loading", **row}, {"stage": "installing", **new}],
        "slower": "loading has taken 41 s, usually 12 s; loading takes 41 s since 2026-11-20 (was 12 s)",
    }
    service.replies = {"GET /installs/web1/budget": budget}

    lines = provisioner("install", "budget", "web1").out.splitlines()

    assert lines[1].split("  ")[0] == "loading"
    assert "41 s …" in lines[1] and "+29 s  late  2026-11-20 (was 12 s, now 41 s)" in lines[1]
    assert lines[4:] == ["web1: 1 m 00 s, of 3 m 20 s that 12 installs of debian13 took", budget["slower"]]


def test_a_pace_is_told_for_each_way(provisioner: Provisioner, service: FakeService) -> None:
    spread = {"median": 12.0, "low": 10.0, "high": 15.0}
    way = {"method": "pxe", "boot": "uefi", "by": "kvm", "host": ""}
    stages = [{"stage": "loading", "takes": spread, "change": None}]
    one = {**way, "installs": 12, "takes": spread, "stages": stages, "silence": spread}
    service.replies = {"GET /profiles/debian13/pace": [one, {**one, "boot": "bios", "installs": 1}]}

    lines = provisioner("profile", "pace", "debian13").out.splitlines()

    assert [line for line in lines if "install" in line and ":" in line and "silence" not in line] == [
        "pxe, uefi, kvm: 12 installs",
        "pxe, bios, kvm: 1 install",
    ]
    assert lines[2].split()[:3] == ["loading", "12", "s"]


@pytest.mark.parametrize(
    "words", [("install", "budget", "x"), ("profile", "pace", "x"), ("events", "--install", "x")]
)
def test_a_name_that_nobody_has(
    provisioner: Provisioner, service: FakeService, words: tuple[str, ...]
) -> None:
    told_once(provisioner(*words))


def test_many_that_are_waited_for_are_a_line_each() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    now = moment(INSTALL["created"]) + timedelta(seconds=70)
    many = [install(1), install(2, "installed"), install(3, "failed", changed=INSTALL["created"])]
    console.print(follow.picture(many, now, 10))

    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert lines[0].startswith("web1  installing") and lines[0].endswith(
        "40 %  1 m 10 s  1 m 40 s to 3 m 20 s"
    )
    assert lines[1].startswith("web3  failed")
    assert lines[2].strip() == "1 of 3 installed"


def test_several_are_waited_for_by_one_line_for_each_stage(
    provisioner: Provisioner, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_EVERY_SECONDS", 0.01)
    first, second = install(1, "loading"), install(2, "loading")
    rounds = [
        [second, first],
        [second, {**first, "stage": "installing", "left_seconds": None}],
        [{**second, "stage": "failed"}, {**first, "stage": "installed"}],
    ]
    service.replies = {
        "GET /installs/web1": first,
        "GET /installs/web2": second,
        "GET /installs/i2/why": fake.WHY,
        "GET /installs": lambda _: rounds.pop(0),
    }

    ran = provisioner("install", "wait", "web{1..2}")

    assert (ran.code, ran.out) == (1, "")
    lines = ran.err.splitlines()
    assert lines[:5] == [
        "web1: loading, 1 m 40 s to 3 m 20 s left",
        "web2: loading, 1 m 40 s to 3 m 20 s left",
        "web1: installing",
        "web1: installed",
        "web2: failed",
    ]
    assert lines[5].startswith("error: web2 failed")
    assert lines[-1] == "error: 1 of 2 guests were not installed"


def test_waiting_for_several_ends_in_time(
    provisioner: Provisioner, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_EVERY_SECONDS", 0.01)
    both = [install(1), install(2)]
    service.replies = {f"GET /installs/{one['guest']}": one for one in both} | {"GET /installs": both}

    ran = provisioner("install", "wait", "web1", "web2", "--timeout", "0.05")

    assert ran.err.splitlines()[-2] == "error: 2 of 2 guests are not installed yet after 0.05 s"
