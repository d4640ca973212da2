"""The verbs of rebuilds and snapshots, once good and once bad, for `test_verbs`."""

import json
from typing import Any

from tests.unit.cli import fake
from tests.unit.cli.fake import Problem

G, I = fake.GUEST, fake.INSTALL  # noqa: E741
NEW = {"install": I, "guest": G, "plan": fake.PLAN}
KEPT = json.dumps({"name": "web1", "snapshot": fake.SNAPSHOT}) + "\n"
RESET = json.dumps({"name": "web1", "reset": fake.RESTORED}) + "\n"
GONE = json.dumps({"name": "web1", "error": "guest web1 has no snapshot", "remedy": "take one"}) + "\n"
LOSES = json.dumps({"name": "web1", "loses": fake.LOSS}) + "\n"

LAB_VERBS: list[tuple[str, dict[str, Any], Any, list[str]]] = [
    (
        "guest rebuild web1 --yes",
        {"POST /guests/web1/rebuild": NEW},
        {},
        ["web1: install 0f3c9a has begun"],
    ),
    (
        "rebuild web1 --profile mine --keep-disks -y",
        {"POST /guests/web1/rebuild": NEW},
        {"profile": "mine", "wipe": "none"},
        ["web1: install 0f3c9a has begun"],
    ),
    (
        "rebuild web1 --dry-run",
        {"POST /guests/rebuild": LOSES},
        {"names": ["web1"]},
        [
            "web1 (running, installed) is installed anew from debian12-image:",
            "  empties  web1-i1 in pool default (4.3 GB, 1.2 GB taken)",
            "  resets   its UEFI variables; its disk boots before the network again",
        ],
    ),
    (
        "lab snapshot web1",
        {"POST /snapshots": KEPT},
        {"names": ["web1"]},
        ["web1: kept, default/web1-0f3c9a"],
    ),
    (
        "lab snapshot --all --force",
        {"GET /guests": [{**G, "install": {**I, "stage": "installed"}}, G], "POST /snapshots": KEPT},
        {"names": ["web1"], "force": True},
        ["web1: kept, default/web1-0f3c9a"],
    ),
    (
        "lab snapshot --list",
        {"GET /snapshots": [fake.SNAPSHOT]},
        None,
        [
            "GUEST  TAKEN                STATE  DISKS                NVRAM",
            "web1   2026-01-02 03:04:05  kept   default/web1-0f3c9a  yes",
        ],
    ),
    (
        "lab reset web1 --wait --yes",
        {"POST /snapshots/reset": RESET},
        {"names": ["web1"], "wait": 300.0},
        ["web1: reset in 0.4 s, answered after 9.7 s: ssh at 192.168.90.57"],
    ),
    (
        "lab reset --all --at-once 4 -y",
        {"GET /snapshots": [fake.SNAPSHOT], "POST /snapshots/reset": RESET},
        {"names": ["web1"], "at_once": 4},
        ["web1: reset in 0.4 s, answered after 9.7 s: ssh at 192.168.90.57"],
    ),
    (
        "lab reset --lab shop -y",
        {"POST /snapshots/reset": RESET},
        {"lab": "shop"},
        ["web1: reset in 0.4 s, answered after 9.7 s: ssh at 192.168.90.57"],
    ),
    ("lab drop web1", {"DELETE /snapshots/web1": {"done": "gone"}}, None, []),
]
LAB_FAULTS: list[tuple[str, Any]] = [
    ("guest rebuild web1", {"POST /guests/rebuild": LOSES}),
    ("lab snapshot web1", {"POST /snapshots": GONE}),
    ("lab snapshot --all", {"GET /guests": []}),
    ("lab reset web1", {}),
    ("lab reset web1 -y", {"POST /snapshots/reset": GONE}),
    ("lab reset --all -y", {"GET /snapshots": []}),
    ("lab drop nobody", {}),
    ("rebuild nobody", {"POST /guests/rebuild": '{"name": "nobody", "error": "no nobody", "remedy": ""}\n'}),
    ("rebuild web1 web2 --yes", {"POST /guests/rebuild": Problem(503, "libvirt does not answer")}),
]
