"""The rows of test_verbs.py for `provisioner machine`."""

from typing import Any

from tests.unit.cli import fake
from tests.unit.cli.fake import INSTALL, MACHINE, Problem

FOUND: dict[str, Any] = {
    **MACHINE,
    "name": "machine-525400aabbcc",
    "uuid": INSTALL["uuid"],
    "profile": None,
    "discovered": True,
    "firmware": "uefi",
    "address": "192.0.2.7",
    "first_seen": fake.AT.format(0),
    "last_seen": fake.AT.format(4),
}
MAC = MACHINE["mac"]
RUN: dict[str, Any] = {"machine": MACHINE, "install": {**INSTALL, "guest": "rack1", "stage": "planned"}}
RUNS = {"POST /machines/rack1/install": Problem(409, "install i1 of rack1 is loading")}

MACHINE_VERBS: list[tuple[str, dict[str, Any], Any, list[str]]] = [
    (
        "machine add rack1 --mac 52:54:00:aa:bb:cc --profile centos7",
        {"POST /machines": MACHINE},
        {"name": "rack1", "mac": "52:54:00:aa:bb:cc", "profile": "centos7"},
        [],
    ),
    (
        "machine list",
        {
            "GET /machines": [
                MACHINE,
                {**FOUND, "last_seen": None},
                {**MACHINE, "name": "web1", "guest": True},
            ]
        },
        None,
        [
            "NAME                  MAC                ORIGIN      FIRMWARE  PROFILE  ADDRESS    SEEN",
            "rack1                 52:54:00:aa:bb:cc  added       -         centos7  -          -",
            "machine-525400aabbcc  52:54:00:aa:bb:cc  discovered  uefi      -        192.0.2.7  -",
            "web1                  52:54:00:aa:bb:cc  guest       -         centos7  -          -",
        ],
    ),
    (
        "machine list --discovered",
        {"GET /machines": [MACHINE, {**FOUND, "last_seen": None}]},
        None,
        [
            "NAME                  MAC                ORIGIN      FIRMWARE  PROFILE  ADDRESS    SEEN",
            "machine-525400aabbcc  52:54:00:aa:bb:cc  discovered  uefi      -        192.0.2.7  -",
        ],
    ),
    (
        "machine show rack1",
        {"GET /machines/rack1": RUN},
        None,
        [
            "name     rack1",
            "mac      52:54:00:aa:bb:cc",
            "origin   added",
            "profile  centos7",
            f"install  {INSTALL['id']}",
            "stage    planned",
        ],
    ),
    (
        f"machine show {MAC}",
        {f"GET /machines/{MAC}": {"machine": {**MACHINE, "profile": None}, "install": None}},
        None,
        ["name    rack1", "mac     52:54:00:aa:bb:cc", "origin  added", "stage   boots its disk"],
    ),
    (
        "machine add rack1 --mac 52:54:00:aa:bb:cc --profile centos7 --loader grub",
        {"POST /machines": MACHINE},
        {"name": "rack1", "mac": "52:54:00:aa:bb:cc", "profile": "centos7", "loader": "grub"},
        [],
    ),
    (
        f"machine install {MAC} --profile centos7 --loader pxelinux",
        {f"POST /machines/{MAC}/install": RUN},
        {"profile": "centos7", "loader": "pxelinux"},
        [f"rack1: install {INSTALL['id']} waits until the machine netboots"],
    ),
    (
        f"machine install {MAC} --profile centos7 --name rack1",
        {f"POST /machines/{MAC}/install": RUN},
        {"profile": "centos7", "name": "rack1"},
        [f"rack1: install {INSTALL['id']} waits until the machine netboots"],
    ),
    (
        "machine install rack1 -p centos7",
        {"POST /machines/rack1/install": RUN},
        {"profile": "centos7"},
        [f"rack1: install {INSTALL['id']} waits until the machine netboots"],
    ),
    ("machine remove rack1", {"DELETE /machines/rack1": {}}, None, []),
]

MACHINE_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("machine add rack1 --mac xx", {"POST /machines": Problem(422, "'xx' is not a MAC address")}),
    ("machine list", {"GET /machines": Problem(503, "the store does not answer")}),
    ("machine show nobody", {}),
    ("machine install nobody -p centos7", {}),
    ("machine install rack1 -p centos7", RUNS),
    ("machine remove nobody", {}),
]
