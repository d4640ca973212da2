"""Several guests by one word: one request to the service, and an answer a line."""

import json
from collections.abc import Sequence
from typing import Any

from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import FakeService

TAKEN = {"name": "web3", "error": "web3 is taken", "remedy": "choose another", "status": 409}
MADE = {"install": fake.INSTALL, "plan": fake.PLAN}


def lines(*answers: dict[str, Any]) -> str:
    return "".join(json.dumps(answer) + "\n" for answer in answers)


def created(name: str) -> dict[str, Any]:
    return {"name": name, "created": {**MADE, "guest": guest(name)}}


def cloned(name: str) -> dict[str, Any]:
    return {"name": name, "guest": guest(name)}


def guest(name: str) -> dict[str, Any]:
    return {**fake.GUEST, "name": name}


def but_warnings(told: str) -> Sequence[str]:
    return [line for line in told.splitlines() if not line.startswith("warning: ")]


def test_several_are_created_by_one_request(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/batch": lines(created("web2"), created("web1"))}

    ran = provisioner(
        *["guest", "create", "web{1..2}", "-p", "tiny", "--import", "--disk", "vol=default/{name}"]
    )

    assert ran.code == 0
    assert ran.out.splitlines() == ["web1: install 0f3c9a has begun", "web2: install 0f3c9a has begun"]
    wanted = {"profile": "tiny", "method": "import", "disks": ["vol=default/{name}"]}
    assert service.last().body == {"names": ["web1", "web2"], **wanted}


def test_a_shell_may_have_made_several_words_of_it(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {
        "POST /guests/batch": lines(created("a"), created("b")),
        "POST /guests/a/clones": lines(cloned("b"), cloned("c1"), cloned("c2")),
    }

    assert provisioner(*["guest", "create", "a", "b", "-p", "tiny"]).code == 0
    assert service.last().body == {"names": ["a", "b"], "profile": "tiny"}
    assert provisioner(*["guest", "clone", "a", "b", "c{1..2}"]).code == 0
    assert service.last().body == {"names": ["b", "c1", "c2"], "kind": "linked"}


def test_the_one_that_cannot_be_made_is_told(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/batch": lines(created("web2"), TAKEN, created("web1"))}

    ran = provisioner(*["guest", "create", "web", "--count", "3", "-p", "tiny"])

    assert ran.code == 1
    assert ran.out.splitlines() == ["web1: install 0f3c9a has begun", "web2: install 0f3c9a has begun"]
    assert but_warnings(ran.err) == [
        "error: web3 is taken",
        "remedy: choose another",
        "error: 1 of 3 guests were not made",
    ]


def test_what_all_have_in_common_is_told_once(service: FakeService, provisioner: Provisioner) -> None:
    no_pool = [{"name": f"web{n}", "error": "no storage pool", "remedy": "", "status": 404} for n in (4, 5)]
    service.replies = {"POST /guests/batch": lines(created("web1"), created("web2"), *no_pool)}

    ran = provisioner(*["guest", "create", "web", "--count", "4", "-p", "tiny"])

    assert len([line for line in ran.err.splitlines() if line.startswith("warning: ")]) == 1
    assert but_warnings(ran.err) == ["error: no storage pool", "error: 2 of 4 guests were not made"]


def test_an_answer_that_ends_early_is_told(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/batch": lines(created("web1"), {"error": "it broke", "remedy": ""})}

    ran = provisioner(*["guest", "create", "web", "--count", "3", "-p", "tiny"])

    assert ran.code == 1
    assert but_warnings(ran.err) == ["error: it broke", "error: 2 of 3 guests were not made"]


def test_several_clones_are_made_and_started(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/web1/clones": lines(cloned("web03"), cloned("web02"))}
    for name in ("web02", "web03"):
        service.replies |= {f"POST /guests/{name}/start": {}, f"GET /guests/{name}": guest(name)}

    ran = provisioner(*["guest", "clone", "web1", "web{02..03}", "--start"])

    assert ran.code == 0
    assert ran.out.splitlines() == [
        "web02: cloned from web1 (linked), running, MAC 52:54:00:00:00:01",
        "web03: cloned from web1 (linked), running, MAC 52:54:00:00:00:01",
    ]
    assert service.asked[0].body == {"names": ["web02", "web03"], "kind": "linked"}


def test_a_clone_that_cannot_be_made_is_told(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/web1/clones": lines(cloned("web2"), TAKEN)}

    ran = provisioner(*["guest", "clone", "web1", "web{2..3}", "--full"])

    assert ran.code == 1
    assert ran.out.splitlines() == ["web2: cloned from web1 (full), running, MAC 52:54:00:00:00:01"]
    assert but_warnings(ran.err)[-1] == "error: 1 of 2 guests were not made"


def test_several_are_told_one_thing_and_the_one_that_cannot_be_holds_up_no_other(
    service: FakeService, provisioner: Provisioner
) -> None:
    service.replies = {"POST /guests/web1/start": {}, "POST /guests/web3/start": {}}

    ran = provisioner(*["guest", "start", "web{1..3}"])

    assert ran.code == 1
    assert but_warnings(ran.err)[-1] == "error: 1 of 3 guests could not be told"
    assert [asked.path for asked in service.asked] == [f"/guests/web{n}/start" for n in (1, 2, 3)]


def test_so_many_are_let_boot_at_a_time(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/start": lines({"name": "a", "started": True}, {**TAKEN, "name": "b"})}

    ran = provisioner(*["guest", "start", "a", "b", "--at-once", "1"])

    assert (ran.code, service.last().body) == (1, {"names": ["a", "b"], "at_once": 1})
    assert but_warnings(ran.err)[-1] == "error: 1 of 2 guests were not started"


def test_several_are_deleted_once_that_was_confirmed(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {f"DELETE /guests/web{n}": {} for n in (1, 2)}

    assert provisioner(*["guest", "delete", "web{1..2}"]).code == 1
    assert service.asked == []
    assert provisioner(*["guest", "delete", "web{1..2}", "--yes"]).code == 0
    assert [asked.path for asked in service.asked] == ["/guests/web1", "/guests/web2"]


def test_so_many_are_let_install_at_a_time(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/batch": lines(created("a"), created("b"))}

    assert provisioner(*["guest", "create", "a", "b", "-p", "tiny", "--at-once", "1"]).code == 0
    assert service.last().body == {"names": ["a", "b"], "profile": "tiny", "at_once": 1}


def loses(name: str, **told: Any) -> dict[str, Any]:
    return {"name": name, "loses": {**fake.LOSS, "guest": guest(name), **told}}


def test_several_are_rebuilt_by_one_request(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests/rebuild": lines(created("web2"), created("web1"))}

    ran = provisioner(*["rebuild", "web{1..2}", "--at-once", "1", "--yes"])

    assert ran.code == 0
    assert ran.out.splitlines() == ["web1: install 0f3c9a has begun", "web2: install 0f3c9a has begun"]
    assert service.last().body == {"names": ["web1", "web2"], "at_once": 1}


def test_guests_that_are_in_use_are_not_rebuilt_unasked(
    service: FakeService, provisioner: Provisioner
) -> None:
    service.replies = {"POST /guests/rebuild": lines(loses("web1", in_use=False), loses("web2"))}

    ran = provisioner(*["rebuild", "web{1..2}"])

    assert ran.code == 1
    assert but_warnings(ran.err) == [
        "error: This installs guest web2 anew, in use as it is. Nobody is at the terminal to confirm it.",
        "remedy: repeat it with --yes",
    ]
    assert [asked.path for asked in service.asked] == ["/guests/rebuild"]


def test_guests_that_nobody_uses_are_rebuilt_without_a_question(
    service: FakeService, provisioner: Provisioner
) -> None:
    def answer(asked: fake.Request) -> str:
        if "dry_run" in asked.query:
            return lines(loses("web1", in_use=False), loses("web2", in_use=False))
        return lines(created("web1"), created("web2"))

    service.replies = {"POST /guests/rebuild": answer}

    assert provisioner(*["rebuild", "web1", "web2"]).code == 0
    assert service.last().body == {"names": ["web1", "web2"]}
