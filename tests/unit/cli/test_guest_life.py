"""A guest's life on the command line: pictures, displays, clones, removals told, the inventory."""

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.inventory import inventory
from provisioner.cli.removal import sentences
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import DISPLAY, FOREIGN, GUEST, REMOVAL, FakeService

PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (720).to_bytes(4) + (400).to_bytes(4)


def picture(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake speaks JSON only: the picture is put in where the client reads it."""
    monkeypatch.setattr("provisioner.cli.api.Api.data", lambda self, *path: PICTURE)


def test_a_picture_is_named_after_its_guest(
    service: FakeService, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    picture(service, monkeypatch)
    monkeypatch.chdir(tmp_path)

    assert provisioner("guest", "screenshot", "web1").out == "web1.png: 720 x 400\n"
    assert provisioner("guest", "screenshot", "web1", "-f", "other.png").out == "other.png: 720 x 400\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.png", "web1.png"]
    assert (tmp_path / "web1.png").read_bytes() == PICTURE


def test_a_picture_that_cannot_be_written_is_one_sentence(
    service: FakeService, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    picture(service, monkeypatch)

    ran = provisioner("guest", "screenshot", "web1", "-f", str(tmp_path / "nowhere" / "x.png"))

    assert (ran.code, len(ran.err.splitlines())) == (1, 1)


def test_a_screen_that_is_open_to_others_is_warned_of(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /guests/web1/display": {**DISPLAY, "loopback": False}}

    ran = provisioner("guest", "display", "web1")

    assert ran.err == "warning: the screen of web1 is open to more than its own host\n"


def test_a_display_as_json_holds_all(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /guests/web1/display": DISPLAY}

    assert json.loads(provisioner("guest", "display", "web1", "-o", "json").out) == DISPLAY


def test_a_clone_is_started_where_asked(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {
        "POST /guests/web1/clone": {**GUEST, "name": "web2", "state": "shut off"},
        "POST /guests/web2/start": {},
        "GET /guests/web2": {**GUEST, "name": "web2"},
    }

    ran = provisioner("guest", "clone", "web1", "web2", "--start")

    assert ran.out == "web2: cloned from web1 (linked), running, MAC 52:54:00:00:00:01\n"
    assert [f"{asked.method} {asked.path}" for asked in service.asked] == list(service.replies)


USAGE = ("clone web1", "clone web1 Web_2", "display web1 --minutes 0", "console", "console web1 --tail x")


@pytest.mark.parametrize("words", USAGE)
def test_wrong_words_are_a_fault_of_the_command_line(provisioner: Provisioner, words: str) -> None:
    ran = provisioner("guest", *words.split())

    assert (ran.code, ran.err.startswith("error: ")) == (2, True)


def test_a_console_needs_a_terminal(service: FakeService, provisioner: Provisioner) -> None:
    ran = provisioner("guest", "console", "web1")

    assert ran.code == 1
    assert ran.err == (
        "error: a console needs a terminal on both sides\n"
        "remedy: for a command in the guest: provisioner guest ssh web1 COMMAND\n"
    )
    assert service.asked == []


def test_a_removal_is_told_thing_by_thing() -> None:
    base = {"pool": "default", "name": "gold-abc", "capacity": 4 * 2**30, "allocation": 10**9}
    image = {"pool": "images", "name": "debian.qcow2", "capacity": 2 * 10**9, "allocation": 5 * 10**8}
    removal: dict[str, Any] = REMOVAL | {
        "nvram": "/nvram/web1_VARS.fd",
        "tpm": True,
        "stays": [{"volume": base, "users": ["web2-1", "web3-2"]}, {"volume": image, "users": []}],
    }

    assert list(sentences(GUEST, removal)) == [
        "This removes guest web1 (running):",
        "  domain web1 with its variable store /nvram/web1_VARS.fd and the state of its TPM",
        "  volume web1-0f3c9a in pool default (4.3 GB, 1.2 GB taken)",
        "It leaves:",
        "  volume gold-abc in pool default (4.3 GB, 1.0 GB taken): web2-1, web3-2 stand on it",
        "  volume debian.qcow2 in pool images (2.0 GB, 500.0 MB taken): it was not made here",
    ]
    assert list(sentences(GUEST, REMOVAL))[1:] == [
        "  domain web1",
        "  volume web1-0f3c9a in pool default (4.3 GB, 1.2 GB taken)",
    ]


def test_an_inventory_has_groups_by_profile_and_host() -> None:
    far = {**GUEST, "name": "db", "profile": "centos7", "host": "qemu+ssh://far.example/system"}
    far["address"] = {"ip": "2001:db8::7", "from": "report"}

    assert inventory([GUEST, far]) == {
        "all": {
            "hosts": {
                "web1": {"ansible_host": "192.168.90.57", "ansible_user": "root"},
                "db": {"ansible_host": "2001:db8::7", "ansible_user": "root"},
            },
            "children": {
                "host_local": {"hosts": {"web1": {}}},
                "host_qemu_ssh_far_example_system": {"hosts": {"db": {}}},
                "profile_centos7": {"hosts": {"db": {}}},
                "profile_debian12_image": {"hosts": {"web1": {}}},
            },
        }
    }


def test_the_inventory_leaves_out_whom_nobody_reaches(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /guests": [GUEST, {**FOREIGN, "name": "web9", "ours": True}]}

    ran = provisioner("guest", "list", "-o", "ansible")

    assert service.last().query == {"addresses": "1"}
    assert ran.out.startswith('all:\n  hosts:\n    web1:\n      ansible_host: "192.168.90.57"\n')
    assert ran.err == "warning: web9 is left out: no address of it is known\n"
