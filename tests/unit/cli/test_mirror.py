"""The mirror by the command line: tables, plans, progress, exit codes."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Provisioner, misused, told_once
from tests.unit.cli.fake import FakeService, Problem

TREE: dict[str, Any] = {
    "name": "el",
    "source": "http://m.example/os",
    "cached": True,
    "files": 3,
    "size": 3_500_000,
    "verified": 2,
    "unverified": 1,
    "signed": {"AB" * 20: 2},
    "hits": 9,
    "misses": 1,
    "hit_rate": 0.9,
    "served": 9_000_000,
    "fetched": 3_500_000,
    "saved": 5_500_000,
    "offline": False,
    "pinned": True,
    "quota": 40_000_000_000,
    "upstreams": [
        {
            "url": "http://m.example/os",
            "state": "down",
            "since": "2026-01-02T03:04:05Z",
            "reason": "connection refused",
            "bytes": 3_500_000,
            "requests": 4,
        }
    ],
    "archive": "http://vault.example/os",
    "notes": ["repodata/repomd.xml is not signed"],
    "sync": {
        "files": 1,
        "of_files": 3,
        "size": 10,
        "of_size": 30,
        "path": "a",
        "problem": "",
        "failed": 0,
    },
}
LOCAL = {**TREE, "name": "iso", "cached": False, "source": "/srv/dvd.iso"}
PLAN: dict[str, Any] = {
    "tree": "el",
    "total_files": 40,
    "total_bytes": 10**9,
    "kept": 10,
    "files": 30,
    "size": 8 * 10**8,
    "unsized": 2,
    "seconds": 160.0,
    "unresolved": [f"name{number}" for number in range(10)],
}
SYNCED = {**TREE["sync"], "files": 30, "of_files": 30, "size": 8 * 10**8}
SUM = {"files": 3, "size": 3_500_000, "sound": 2, "unverified": 1, "broken": 0, "mended": 0, "lost": 0}
BROKEN = {
    "source": "http://m.example/os",
    "path": "b.rpm",
    "size": 5,
    "verdict": "broken",
    "reason": "other bytes",
}
UNSURE = {**BROKEN, "path": "notes", "verdict": "unverified", "reason": ""}


def lines(*items: object) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


def test_status_of_all(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {
        "GET /mirror": {"offline": True, "alarms": ["the disk is full"], "trees": [TREE, LOCAL]}
    }
    head, row, *after = provisioner("mirror", "status").out.splitlines()

    assert head.split()[:6] == ["TREE", "FILES", "KEPT", "VERIFIED", "HITS", "SAVED"]
    for word in ("3.5 MB", "67 %", "90 %", "5.5 MB", "syncing 1/3, pinned", "down: connection refused"):
        assert word in row
    assert "read from http://vault.example/os; repodata/repomd.xml is not signed" in row
    assert after == ["the disk is full", "every tree is offline: provisioner mirror offline --all off"]
    assert json.loads(provisioner("mirror", "status", "-o", "json").out)["trees"][1]["name"] == "iso"


def test_status_of_one(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /mirror/el": TREE, "GET /mirror/iso": LOCAL}
    out = provisioner("mirror", "status", "el").out

    for line in (
        "verified  2 files, 1 that nothing vouches for",
        f"signed    2 files signed by {'AB' * 20}",
        "hits      90 % of 10 requests",
        "quota     40.0 GB",
        "archive   http://vault.example/os",
    ):
        assert line in out
    assert "2026-01-02 03:04:05" in out
    assert "kept    on this host" in provisioner("mirror", "status", "iso").out


def test_a_plan_in_words(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /mirror/el/plan": PLAN}
    ran = provisioner("mirror", "sync", "el", "--packages-of", "web", "--dry-run")

    assert ran.out.splitlines() == [
        "Sync of tree el: 30 files, 800.0 MB and 2 files of unknown size",
        "  there already  10 of 40 files",
        "  time           about 3 min",
        "  not found      name0, name1, name2, name3, name4, name5, name6, name7 and 2 more: "
        "no package of the tree is called so",
    ]
    assert service.asked[-1].body == {"full": False, "profile": "web"}


def test_a_sync_is_asked_about_and_told(service: FakeService, provisioner: Provisioner) -> None:
    problem = {**TREE["sync"], "path": "b.rpm", "problem": "not there", "failed": 1}
    service.replies = {
        "POST /mirror/el/plan": PLAN,
        "POST /mirror/el/sync": lines({"plan": PLAN}, {"progress": problem}, {"synced": SYNCED}),
    }
    unanswered = provisioner("mirror", "sync", "el")
    done = provisioner("mirror", "sync", "el", "--full", "-y")

    assert unanswered.code == 1 and "Nobody is at the terminal" in unanswered.err
    assert (done.code, done.err) == (0, "b.rpm: not there\n")
    assert done.out == "tree el: 30 files fetched, 800.0 MB; 10 were there\n"
    assert service.asked[-1].body == {"full": True, "profile": "", "wait": True}


def test_a_sync_that_failed_or_goes_on_by_itself(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {
        "POST /mirror/el/plan": {**PLAN, "files": 0},
        "POST /mirror/el/sync": lines({"plan": PLAN}, {"synced": {**SYNCED, "failed": 2}}),
    }
    failed = provisioner("mirror", "sync", "el")
    service.replies["POST /mirror/el/sync"] = lines({"plan": PLAN})
    alone = provisioner("mirror", "sync", "el", "--wait", "none")
    broken_off = provisioner("mirror", "sync", "el")
    service.replies["POST /mirror/el/sync"] = lines({"plan": PLAN}, {"error": "no", "remedy": "do"})
    refused = provisioner("mirror", "sync", "el")

    assert failed.code == 1 and failed.out.endswith("; 2 could not be had\n")
    assert (alone.code, alone.out) == (0, "")
    assert broken_off.err.startswith("error: the sync of tree el ended without a result")
    assert refused.err == "error: no\nremedy: do\n"


def test_verify_and_repair(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /mirror/verify": lines({"file": UNSURE}, {"verified": SUM})}
    sound, named = provisioner("mirror", "verify"), provisioner("mirror", "verify", "el", "--unverified")
    bad = {**SUM, "sound": 1, "broken": 1}
    service.replies = {"POST /mirror/verify": lines({"read": {}}, {"file": BROKEN}, {"verified": bad})}
    broken, as_json = provisioner("mirror", "verify"), provisioner("mirror", "verify", "-o", "json")
    service.replies = {"POST /mirror/verify": lines({"file": BROKEN}, {"verified": {**bad, "lost": 1}})}
    lost = provisioner("mirror", "repair", "el")

    assert (sound.code, sound.out) == (0, "3 files read, 3.5 MB: 2 sound, 1 unverified, 0 broken\n")
    assert named.out.startswith("unverified  http://m.example/os/notes\n")
    assert broken.code == 1 and broken.out.startswith("broken  http://m.example/os/b.rpm: other bytes\n")
    assert as_json.code == 1 and json.loads(as_json.out)["broken_files"] == [BROKEN]
    assert lost.code == 1 and lost.out.endswith("; 0 fetched again, 1 dropped and not to be had now\n")
    assert service.asked[-1].body == {"tree": "el", "repair": True}


CALLS: dict[str, tuple[str, str, object]] = {
    "offline el": ("PUT", "/mirror/el/offline", {"on": True}),
    "offline el off": ("PUT", "/mirror/el/offline", {"on": False}),
    "offline --all on": ("PUT", "/mirror/offline", {"on": True}),
    "pin el": ("PUT", "/mirror/el/pinned", {"on": True}),
    "unpin el": ("PUT", "/mirror/el/pinned", {"on": False}),
    "quota el 40G": ("PUT", "/mirror/el/quota", {"size": 40 * 2**30}),
    "quota el none": ("PUT", "/mirror/el/quota", {"size": 0}),
    "clean el -y": ("POST", "/mirror/el/clean", {"days": 30.0}),
    "clean el --older-than 12h -y": ("POST", "/mirror/el/clean", {"days": 0.5}),
    "drop el -y": ("DELETE", "/mirror/el/files", None),
    "stop el": ("DELETE", "/mirror/el/sync", None),
}


@pytest.mark.parametrize("words", CALLS)
def test_what_is_asked_for(service: FakeService, provisioner: Provisioner, words: str) -> None:
    method, path, body = CALLS[words]
    service.replies = {f"{method} {path}": {"done": "done", "files": 2, "size": 5000}}
    ran = provisioner("mirror", *words.split())

    assert (ran.code, ran.err) == (0, "")
    assert (service.asked[-1].method, service.asked[-1].path, service.asked[-1].body) == (method, path, body)


def test_a_snippet_is_printed_as_it_is(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /mirror/el/snippet": {"text": "[el]\nenabled=1\n"}}

    assert provisioner("mirror", "snippet", "el", "--format", "dnf").out == "[el]\nenabled=1\n"
    assert service.asked[-1].query == {"format": "dnf"}


def test_what_goes_is_said_before_it_goes(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /mirror/el": TREE}
    ran = provisioner("mirror", "drop", "el")

    assert ran.err.startswith(
        "error: This removes all that is kept of tree el: 3 files, 3.5 MB. Nobody is at"
    )
    assert [asked.method for asked in service.asked] == ["GET"]


@pytest.mark.parametrize(
    "words",
    [
        "offline",
        "offline el --all on",
        "offline el maybe",
        "quota el 5",
        "quota el much",
        "clean el --older-than soon",
        "sync el --full --packages-of web",
        "sync el --wait long",
        "snippet el --format pacman",
    ],
)
def test_words_that_are_wrong(service: FakeService, provisioner: Provisioner, words: str) -> None:
    misused(provisioner("mirror", *words.split()), service)


def test_a_refusal_is_one_sentence(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /mirror/el/plan": Problem(409, "tree el is offline", "put it online")}

    told_once(provisioner("mirror", "sync", "el", "-y"))
