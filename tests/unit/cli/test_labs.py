"""`plan` and `apply`: what they send, how they tell it, when they ask, and their exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner, misused, told_once
from tests.unit.cli.fake import FakeService, Problem

COUNTS = dict.fromkeys(("add", "change", "replace", "keep", "remove", "refuse", "gone", "unknown"), 0)


def change(action: str, name: str = "web1", **more: Any) -> dict[str, Any]:
    plain = {"kind": "guest", "host": "", "differences": [], "reason": "", "held": "", "running": False}
    return {"name": name, "action": action, "diff": "", **plain, **more}


def planned(*changes: dict[str, Any]) -> dict[str, Any]:
    counts = dict(COUNTS)
    for one in changes:
        counts[one["action"]] += 1
    waiting = any(counts[action] for action in ("add", "change", "replace", "remove"))
    return {"lab": "shop", "changes": list(changes), "counts": counts, "waiting": waiting}


def done(name: str, result: str = "done", text: str = "made", action: str = "add") -> dict[str, Any]:
    told = {"kind": "guest", "name": name, "host": "", "action": action, "result": result}
    return {**told, "text": text, "remedy": "mend it" if result == "failed" else ""}


def applied(plan: dict[str, Any], *ended: dict[str, Any]) -> str:
    lines = [{"plan": plan}, *ended, {"ended": {"done": 0, "failed": 0, "left": 0}}]
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lab.yaml"
    path.write_text("lab: shop\n")
    return str(path)


def test_a_plan_is_told_change_by_change_and_counted(
    service: FakeService, provisioner: Provisioner, file: str
) -> None:
    differs = [{"path": "memory", "old": "512", "new": "1024"}, {"path": "mac", "old": "", "new": "x"}]
    service.replies = {
        "POST /lab/plan": planned(
            change("add"),
            change("change", "web2", differences=differs, diff="@@ -1 +1 @@\n-a\n+b\n"),
            change("replace", "web3", reason="boot cannot be changed in what is there"),
            change("keep", "web4"),
            change("keep", "web5", reason="a rebuild would take up what differs"),
            change("gone", "web6", reason="it is no longer in the file; --prune removes it"),
            change("change", "lab", kind="network", host="rack1"),
        )
    }

    ran = provisioner("plan", file)

    assert (ran.code, ran.err) == (3, "")
    assert ran.out.splitlines() == [
        "+ guest web1",
        "~ guest web2",
        "    memory: 512 → 1024",
        "    mac: nothing → x",
        "      @@ -1 +1 @@",
        "      -a",
        "      +b",
        "± guest web3  (boot cannot be changed in what is there; its disk is lost)",
        "  guest web5  (a rebuild would take up what differs)",
        ". guest web6  (it is no longer in the file; --prune removes it)",
        "~ network lab on rack1",
        "1 to add, 2 to change, 1 to replace, 2 unchanged, 1 would go with --prune",
    ]
    asked = service.last()
    assert (asked.body, asked.query) == (b"lab: shop\n", {"source": file})


@pytest.mark.parametrize(("action", "code"), [("keep", 0), ("add", 3), ("unknown", 1), ("refuse", 1)])
def test_the_exit_code_of_a_plan_tells_whether_anything_waits(
    service: FakeService, provisioner: Provisioner, file: str, action: str, code: int
) -> None:
    service.replies = {"POST /lab/plan": planned(change(action))}

    assert provisioner("plan", file, "--prune").code == code
    assert service.last().query["prune"] == "1"
    assert json.loads(provisioner("plan", file, "-o", "json").out)["lab"] == "shop"


def test_a_plan_reads_stdin(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /lab/plan": planned()}

    assert provisioner("plan", "-", stdin="lab: x\n").code == 0
    assert (service.last().body, service.last().query["source"]) == (b"lab: x\n", "stdin")


def test_a_file_that_is_not_there_is_told_before_anybody_is_asked(
    service: FakeService, provisioner: Provisioner, tmp_path: Path
) -> None:
    for verb in ("plan", "apply"):
        told_once(provisioner(verb, str(tmp_path / "none.yaml")))
        misused(provisioner(verb), service)


def test_what_is_wrong_in_a_file_is_told_line_by_line(
    service: FakeService, provisioner: Provisioner, file: str
) -> None:
    service.replies = {"POST /lab/plan": Problem(422, f"{file}:3:5: a\n{file}:9:1: b", "mend it")}

    for verb in ("plan", "apply"):
        ran = provisioner(verb, file)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.splitlines() == [f"error: {file}:3:5: a", f"{file}:9:1: b", "remedy: mend it"]


def test_an_apply_tells_each_thing_and_its_exit_code_whether_all_went_well(
    service: FakeService, provisioner: Provisioner, file: str
) -> None:
    plan = planned(change("add"), change("add", "web2"))
    service.replies = {"POST /lab/plan": plan, "POST /lab/apply": applied(plan, done("web1"), done("web2"))}

    ran = provisioner("apply", file, "--at-once", "4")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["guest web1: made", "guest web2: made", "lab shop: 2 done, 0 not"]
    assert service.last().query == {"source": file, "replace": "1", "at_once": "4"}
    assert provisioner("apply", file, "--detailed-exit-code").code == 3

    failed = done("web2", "failed", "no room"), done("web3", "left", "it needs guest web2, which failed")
    service.replies["POST /lab/apply"] = applied(plan, done("web1"), *failed)
    ran = provisioner("apply", file)
    assert ran.code == 1
    assert ran.out.splitlines() == ["guest web1: made", "lab shop: 1 done, 2 not"]
    assert ran.err.splitlines() == [
        "error: guest web2: no room",
        "remedy: mend it",
        "left: guest web3: it needs guest web2, which failed",
    ]


def test_where_nothing_is_to_do_the_apply_says_so(
    service: FakeService, provisioner: Provisioner, file: str
) -> None:
    plan = planned(change("keep"), change("keep", "web2"))
    service.replies = {"POST /lab/plan": plan, "POST /lab/apply": applied(plan)}

    ran = provisioner("apply", file, "--detailed-exit-code")

    assert (ran.code, ran.out, ran.err) == (0, "nothing to do: 2 unchanged\n", "")


@pytest.mark.parametrize("action", ["replace", "remove"])
def test_what_loses_a_disk_is_asked_about(
    service: FakeService, provisioner: Provisioner, file: str, action: str
) -> None:
    plan = planned(change(action, running=True))
    service.replies = {
        "POST /lab/plan": plan,
        "POST /lab/apply": applied(plan, done("web1", text="", action=action)),
    }

    ran = provisioner("apply", file)
    assert (ran.code, ran.out) == (1, "")
    assert "guest web1 (running)" in ran.err and "--yes" in ran.err
    assert [asked.path for asked in service.asked] == ["/lab/plan"]

    ran = provisioner("apply", file, "--yes")
    word = {"replace": "made anew", "remove": "removed"}[action]
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"guest web1: {word}")
    assert [asked.path for asked in service.asked] == ["/lab/plan", "/lab/apply"]


def test_an_answer_that_breaks_off_is_no_success(
    service: FakeService, provisioner: Provisioner, file: str
) -> None:
    plan = planned(change("add"), change("add", "web2"))
    whole = applied(plan, done("web1"))
    service.replies = {
        "POST /lab/plan": plan,
        "POST /lab/apply": "".join(whole.splitlines(keepends=True)[:-1]),
    }

    ran = provisioner("apply", file)

    assert ran.code == 1
    assert "the service broke off its answer" in ran.err and "apply again" in ran.err


def test_installs_are_followed_to_their_end(
    service: FakeService, provisioner: Provisioner, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.cli.follow._EVERY_SECONDS", 0)
    plan = planned(change("add"), change("keep", "web2"))
    stages = iter([("booting", "installed"), ("installing", "installed"), ("failed", "installed")])

    def installs(_request: object) -> list[dict[str, Any]]:
        one, two = next(stages)
        return [
            {**fake.INSTALL, "id": "i1", "guest": "web1", "stage": one, "reason": "no disk"},
            {**fake.INSTALL, "id": "i2", "guest": "web2", "stage": two},
            {**fake.INSTALL, "id": "i0", "guest": "web1", "stage": "installed"},
        ]

    service.replies = {
        "POST /lab/plan": plan,
        "POST /lab/apply": applied(plan, done("web1")),
        "GET /installs": installs,
        "GET /installs/i1/why": {**fake.WHY, "cause": "it has no disk", "remedy": "give it one"},
    }

    ran = provisioner("apply", file, "--wait")

    assert ran.code == 1
    assert ran.err.splitlines() == [
        "web1: booting",
        "web1: installing",
        "web1: failed",
        "error: web1 failed: it has no disk",
        "remedy: give it one",
    ]
