"""The rows of test_verbs.py for `provisioner network`."""

from typing import Any

from tests.unit.cli import fake
from tests.unit.cli.fake import Problem

CHECK: dict[str, Any] = {
    "place": "default",
    "good": True,
    "verdicts": [
        {
            "kind": "rival",
            "severity": "warn",
            "sentence": "10.0.0.9 offers a boot file of its own",
            "remedy": "switch it off there",
            "repairs": [],
        }
    ],
    "done": [],
}
TOLD = ["WARN  10.0.0.9 offers a boot file of its own", "      fix: switch it off there"]

NETWORK_VERBS: list[tuple[str, dict[str, Any], Any, list[str]]] = [
    (
        "network show default",
        {"GET /networks/default": {**fake.NETWORK, "leases": ["52:54:00:00:00:01 192.168.122.9 web1"]}},
        None,
        [
            "name        default",
            "uuid        22222222-2222-4333-8444-555555555555",
            "active      yes",
            "persistent  yes",
            "autostart   yes",
            "bridge      virbr0",
            "mode        nat",
            "addresses   192.168.122.1/24",
            "dhcp        192.168.122.2-192.168.122.254",
            "leases      52:54:00:00:00:01 192.168.122.9 web1",
            "ours        no",
        ],
    ),
    (
        "network create lab --mode routed --subnet 192.168.90.0/24 --dhcp-range 192.168.90.5,192.168.90.9 "
        "--dhcp-host 52:54:00:00:00:01,192.168.90.5,web1 --parent eth0 --autostart",
        {"POST /networks": {**fake.NETWORK, "name": "lab"}},
        {
            "name": "lab",
            "mode": "route",
            "subnet": "192.168.90.0/24",
            "dhcp_range": "192.168.90.5,192.168.90.9",
            "parents": ["eth0"],
            "dhcp_hosts": ["52:54:00:00:00:01,192.168.90.5,web1"],
            "autostart": True,
        },
        [],
    ),
    (
        "network create lab --mode isolated --subnet 192.168.90.0/24 --no-dhcp --bridge lab0 --dry-run",
        {"POST /networks": {"xml": "<network/>\n"}},
        {"name": "lab", "mode": "isolated", "subnet": "192.168.90.0/24", "bridge": "lab0", "dhcp": False},
        ["<network/>"],
    ),
    ("network start default", {"POST /networks/default/start": {"done": "active"}}, None, []),
    ("network stop default --force", {"POST /networks/default/stop": {"done": "stopped"}}, None, []),
    ("network autostart default", {"PUT /networks/default/autostart": {"done": "on"}}, {"on": True}, []),
    ("network xml default", {"GET /networks/default/xml": {"xml": "<network/>\n"}}, None, ["<network/>"]),
    (
        "network delete default --yes --foreign",
        {"GET /networks/default": fake.NETWORK, "DELETE /networks/default": {"done": "removed"}},
        None,
        [],
    ),
    ("network check default", {"GET /networks/default/check": CHECK}, None, TOLD),
    (
        "network check default --repair addresses --range 10.0.0.5,10.0.0.9 --force",
        {"POST /networks/default/repair": CHECK},
        {"range": "10.0.0.5,10.0.0.9", "force": True, "kind": "addresses"},
        TOLD,
    ),
    (
        "network check type=direct,source=eth0 --address 10.0.0.5/24 --repair",
        {"POST /networks/type=direct,source=eth0/repair": CHECK},
        {"address": "10.0.0.5/24"},
        TOLD,
    ),
    (
        "network check default --undo proxy",
        {"DELETE /networks/default/repair": {"done": "taken back: proxy on virbr0"}},
        None,
        [],
    ),
    ("network snippet --for kea --network default", {"GET /snippets/kea": {"text": "{}\n"}}, None, ["{}"]),
]

NETWORK_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("network show lab", {"GET /networks/lab": Problem(404, "no libvirt network 'lab'")}),
    ("network create lab --subnet 10.0.0.0/24", {"POST /networks": Problem(409, "10.0.0.0/24 overlaps")}),
    ("network start lab", {"POST /networks/lab/start": Problem(404, "no libvirt network 'lab'")}),
    ("network stop lab", {"POST /networks/lab/stop": Problem(409, "a running guest is plugged in")}),
    ("network autostart lab", {"PUT /networks/lab/autostart": Problem(409, "network lab is transient")}),
    ("network xml lab", {"GET /networks/lab/xml": Problem(404, "no libvirt network 'lab'")}),
    (
        "network delete default --yes",
        {"GET /networks/default": fake.NETWORK, "DELETE /networks/default": Problem(409, "it is not ours")},
    ),
    ("network check lab", {"GET /networks/lab/check": Problem(404, "no libvirt network 'lab'")}),
    ("network snippet --for isc", {"GET /snippets/isc": Problem(409, "which segment is it for?")}),
]
