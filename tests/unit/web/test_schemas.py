"""Bodies become models or one sentence; nouns become JSON."""

import json
from datetime import UTC, datetime

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.pace.outlook import Left, Outlook
from provisioner.plan.steps import Plan
from provisioner.service.requests import Address, Creation, Guest
from provisioner.web import api
from provisioner.web.openapi import document
from provisioner.web.outlooks import InstallOut
from provisioner.web.schemas import Created, GuestOut, parse, to_data, to_json
from provisioner.web.schemas_guest import NewGuest

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INSTALL = Install("i", "web1", "m", "u", "p", Stage.FAILED, AT, AT, failed_at=Stage.BOOTING, reason="why")


def test_what_is_left_out_is_for_the_profile_to_say() -> None:
    found = parse(NewGuest, {"name": "web1", "profile": "p"})

    assert isinstance(found, NewGuest)
    assert (found.memory, found.vcpus, found.disks, found.boot, found.rom) == (None, None, [], "bios", True)


@pytest.mark.parametrize("body", [None, [], "x", 7, {"name": None}, {"name": ""}, {"name": {}}])
def test_every_fault_is_one_line(body: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse(NewGuest, body)

    assert "\n" not in str(caught.value)
    assert "http" not in str(caught.value)


def test_an_install_as_json_has_all_its_fields() -> None:
    assert json.loads(to_json(INSTALL)) == {
        "id": "i",
        "guest": "web1",
        "mac": "m",
        "uuid": "u",
        "profile": "p",
        "stage": "failed",
        "created": "2026-03-01T12:00:00Z",
        "changed": "2026-03-01T12:00:00Z",
        "generation": 1,
        "answered": None,
        "percent": 0,
        "failed_at": "booting",
        "reason": "why",
        "address": "",
        "resets": 0,
        "loader": "ipxe",
        "arch": "",
        "left_seconds": None,
        "left_least": None,
        "left_most": None,
        "expected_seconds": None,
        "slower": "",
        "host": "",
    }


def test_what_is_left_of_an_install_is_told_in_whole_seconds() -> None:
    outlook = Outlook(41, Left(99.6, 80.2, 130.9), 200.4, "loading has taken 9 m 00 s, usually 32 s")

    told = to_data(InstallOut.of(INSTALL, outlook))

    assert isinstance(told, dict)
    assert [told[name] for name in ("percent", "left_seconds", "left_least", "left_most")] == [
        41,
        100,
        80,
        131,
    ]
    assert told["expected_seconds"] == 200
    assert told["slower"] == outlook.slower


def test_an_event_as_json_keeps_its_data() -> None:
    event = Event(Kind.TREE_BYTES, AT, "http", data={"percent": 20, "path": "ä"}, id=7)

    assert to_data([event]) == [
        {
            "kind": "tree.bytes",
            "at": "2026-03-01T12:00:00Z",
            "source": "http",
            "machine": "",
            "install": "",
            "text": "",
            "data": {"percent": 20, "path": "ä"},
            "id": 7,
        }
    ]


def test_a_guests_address_says_where_from() -> None:
    guest = Guest(
        "web1", "u", "running", True, 512, 1, False, "m", "p", INSTALL, Address("192.0.2.7", "report")
    )

    data = to_data(Created.of(Creation(INSTALL, guest, Plan("web1", "i", (), ("careful",)))))

    assert isinstance(data, dict)
    assert data["guest"]["address"] == {"ip": "192.0.2.7", "from": "report", "port": 22}
    assert data["plan"] == {"steps": [], "warnings": ["careful"], "xml": "", "first_xml": ""}
    assert to_data(GuestOut.of(guest)) == data["guest"]


def test_the_document_names_fields_as_they_are_sent() -> None:
    schemas = document(api.ROOT, api.OPERATIONS)["components"]["schemas"]

    assert set(schemas["Address"]["properties"]) == {"ip", "from", "port"}
    assert schemas["NewGuest"]["additionalProperties"] is False
