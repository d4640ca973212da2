"""`provisioner host …`: what it asks of the API, what it prints, and its exit code."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import FakeService, Problem

LOCAL = {
    "name": "local",
    "uri": "qemu:///system",
    "configured": True,
    "allow_unsafe": False,
    "state": "up",
    "reason": "",
}
RACK = {
    **LOCAL,
    "name": "rack1",
    "uri": "qemu+tls://rack1/system",
    "configured": False,
    "state": "down",
    "reason": "went away: it closed the connection",
}
SHOWN = {
    **LOCAL,
    "node": {
        "model": "x86_64",
        "cpus": 2,
        "mhz": 2445,
        "sockets": 1,
        "cores": 2,
        "threads": 1,
        "cells": 1,
        "memory": 6252320,
    },
    "virt_type": "qemu",
    "virt_reason": "there is no /dev/kvm",
    "arch": "x86_64",
    "emulator": "/usr/bin/qemu-system-x86_64",
    "machine": "q35",
    "max_vcpus": 288,
    "firmwares": ["bios", "efi"],
    "secure_boot": True,
    "disk_devices": ["disk", "cdrom"],
    "disk_buses": ["virtio", "sata"],
    "graphics": ["vnc"],
    "bridges": ["virbr0"],
    "interfaces": ["eth0"],
    "networks": ["default"],
    "pools": [],
    "domains": 0,
    "warnings": [],
}
CHECKS = [
    {"area": "QEMU", "name": "hardware virtualisation", "verdict": "PASS", "reason": "svm", "fix": ""},
    {
        "area": "QEMU",
        "name": "/dev/vhost-net exists",
        "verdict": "WARN",
        "reason": "it is not there",
        "fix": "modprobe vhost_net",
    },
]
FAILED = [*CHECKS, {"area": "LXC", "name": "kernel", "verdict": "FAIL", "reason": "Linux 2.4", "fix": ""}]
ROW = {
    "area": "LXC",
    "question": "for cgroup 'freezer' controller support",
    "theirs": "FAIL",
    "ours": "PASS",
    "why": "it asks cgroup v1",
    "differs": False,
}

# words, what the service replies with, the last request's body, lines of stdout, exit code
CALLS: list[tuple[str, dict[str, Any], Any, list[str], int]] = [
    (
        "host list",
        {"GET /hosts": [LOCAL, RACK]},
        None,
        [
            "NAME   STATE  URI                      REASON",
            "local  up     qemu:///system           -",
            "rack1  down   qemu+tls://rack1/system  went away: it closed the connection",
        ],
        0,
    ),
    (
        "host add local2 qemu:///session",
        {"POST /hosts": LOCAL},
        {"name": "local2", "uri": "qemu:///session", "allow_unsafe": False},
        ["host local2 is up"],
        0,
    ),
    (
        "host add rack1 qemu+tcp://rack1/system --allow-unsafe",
        {"POST /hosts": RACK},
        {"name": "rack1", "uri": "qemu+tcp://rack1/system", "allow_unsafe": True},
        ["host rack1 is kept, and down: went away: it closed the connection"],
        0,
    ),
    ("host remove rack1", {"DELETE /hosts/rack1": {}}, None, [], 0),
    (
        "host show",
        {"GET /hosts/local": SHOWN},
        None,
        [
            "name                local",
            "uri                 qemu:///system",
            "state               up",
            "CPU model           x86_64",
            "CPU(s)              2",
            "CPU frequency       2445 MHz",
            "CPU socket(s)       1",
            "Core(s) per socket  2",
            "Thread(s) per core  1",
            "NUMA cell(s)        1",
            "Memory size         6252320 KiB",
            "guests run by       qemu (there is no /dev/kvm)",
            "emulator            /usr/bin/qemu-system-x86_64",
            "machine             q35 (x86_64)",
            "vCPUs per guest     at most 288",
            "firmware            bios, efi",
            "Secure Boot         yes",
            "disk devices        disk, cdrom",
            "disk buses          virtio, sata",
            "graphics            vnc",
            "networks            default",
            "domains             0",
        ],
        0,
    ),
    (
        "host check rack1",
        {"GET /hosts/rack1/check": CHECKS},
        None,
        [
            "PASS     QEMU  hardware virtualisation  svm",
            "WARN     QEMU  /dev/vhost-net exists    it is not there",
            "                                        fix: modprobe vhost_net",
        ],
        0,
    ),
    (
        "host check",
        {"GET /hosts/local/check": FAILED[2:]},
        None,
        ["FAIL     LXC   kernel  Linux 2.4"],
        1,
    ),
    (
        "host check --compare",
        {"GET /hosts/local/compare": [ROW]},
        None,
        [
            "AREA  QUESTION                                 THEIRS  OURS  DIFFERENCE",
            "LXC   for cgroup 'freezer' controller support  FAIL    PASS  it asks cgroup v1",
        ],
        0,
    ),
    (
        "host check --compare",
        {"GET /hosts/local/compare": [{**ROW, "why": "it is there", "differs": True}]},
        None,
        [
            "AREA  QUESTION                                 THEIRS  OURS  DIFFERENCE",
            "LXC   for cgroup 'freezer' controller support  FAIL    PASS  NOT EXPLAINED: it is there",
        ],
        1,
    ),
]


@pytest.mark.parametrize(("words", "replies", "body", "lines", "code"), CALLS)
def test_calls(
    service: FakeService,
    provisioner: Provisioner,
    words: str,
    replies: dict[str, Any],
    body: Any,
    lines: list[str],
    code: int,
) -> None:
    service.replies = replies

    ran = provisioner(*words.split())

    assert (ran.code, ran.err, ran.out.splitlines()) == (code, "", lines)
    assert service.last().body == body


def test_show_as_json_is_what_the_api_gave(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /hosts/local": SHOWN}

    assert json.loads(provisioner("host", "show", "local", "-o", "json").out) == SHOWN


@pytest.mark.parametrize("words", ["host add x qemu:///x", "host show x", "host check x", "host remove x"])
def test_a_refusal_is_one_sentence(service: FakeService, provisioner: Provisioner, words: str) -> None:
    refusal = Problem(422, "that is not a libvirt URI", "write another one")
    verbs = ("POST /hosts", "GET /hosts/x", "GET /hosts/x/check", "DELETE /hosts/x")
    service.replies = dict.fromkeys(verbs, refusal)

    ran = provisioner(*words.split())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: that is not a libvirt URI\nremedy: write another one\n"
