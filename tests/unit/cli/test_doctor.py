"""The doctor's verdicts as a table: one fact changed, one check that says so."""

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import doctor as command
from provisioner.cli.probes import barrier, probe
from provisioner.cli.serve import load
from provisioner.core.host import HostFacts, Network, Pool
from provisioner.service.doctor import Check, Device, Facts, Port, examine
from tests.unit.cli.conftest import Provisioner

NETWORK = Network("default", "nat", True, True, "virbr0", (), ("192.168.122.1/24",), True)
POOL = Pool("default", True, 10**12, 0, 10**12, "/var/lib/libvirt/images", True)
HOST = HostFacts(
    uri="qemu:///system",
    virt_type="qemu",
    emulator="/usr/bin/qemu-system-x86_64",
    machine="q35",
    firmwares=("bios", "efi"),
    networks=(NETWORK,),
    pools=(POOL,),
)
DHCP = Port("udp", 67, "ProxyDHCP", True, ("dnsmasq (pid 7)",), "--dhcp-port")
HTTP = Port("tcp", 8080, "guests' HTTP", True, (), "--http-port")
GOOD = Facts(
    python=(3, 11, 7),
    root=True,
    systemd=False,
    packages="apt",
    uri="qemu:///system",
    binding=True,
    host=HOST,
    libvirt_error="",
    kvm=Device(0o20660, "kvm"),
    kvm_proof=(True, "a kernel booted under KVM in 1.0 seconds"),
    tools=18,
    missing_tools={},
    loaders={"undionly.kpxe": "/usr/lib/ipxe/undionly.kpxe", "snponly.efi": "/usr/lib/ipxe/snponly.efi"},
    rom="/usr/lib/ipxe/qemu/pxe-virtio.rom",
    ports=(DHCP, HTTP),
    service="",
    state_dir="/var/lib/provisioner",
    barrier="",
    qemu_user="libvirt-qemu",
)
OFF = replace(NETWORK, active=False)
LAB = replace(NETWORK, name="lab")
TAKEN = replace(HTTP, free=False, holders=("nginx (pid 9)",))

# what is changed, the check it concerns, its verdict, words of its reason, its commands, whether safe
ROWS: list[tuple[dict[str, Any], str, str, str, list[str], bool]] = [
    ({"python": (3, 10, 2)}, "python", "FAIL", "3.10.2 is too old", [], False),
    ({"root": False}, "rights", "WARN", "need root", ["sudo provisioner doctor"], False),
    (
        {"binding": False, "host": None},
        "libvirt",
        "FAIL",
        "is missing",
        ["pip install libvirt-python"],
        False,
    ),
    (
        {"host": None, "libvirt_error": "no socket"},
        "libvirt",
        "FAIL",
        "qemu:///system does not answer: no socket",
        ["virtlogd -d", "libvirtd -d"],
        True,
    ),
    (
        {"host": None, "libvirt_error": "no socket", "systemd": True},
        "libvirt",
        "FAIL",
        "does not answer",
        ["systemctl start libvirtd"],
        True,
    ),
    (
        {"host": replace(HOST, emulator="")},
        "qemu",
        "FAIL",
        "no QEMU",
        ["apt-get install --no-install-recommends qemu-system-x86"],
        False,
    ),
    ({"kvm": None, "kvm_proof": None}, "kvm device", "WARN", "is not there", [], False),
    (
        {"kvm": Device(0o20600, "root")},
        "kvm device",
        "WARN",
        "is 0600, group root",
        ["chgrp kvm /dev/kvm", "chmod 660 /dev/kvm"],
        True,
    ),
    ({"kvm": Device(0o20666, "root")}, "kvm device", "PASS", "is 0666", [], False),
    ({"kvm_proof": None}, "kvm proof", "WARN", "not proved yet", [], False),
    (
        {"kvm_proof": (False, "a kernel hung")},
        "kvm proof",
        "WARN",
        "a kernel hung; guests are emul",
        [],
        False,
    ),
    (
        {"host": replace(HOST, firmwares=("bios",)), "packages": "dnf"},
        "uefi",
        "WARN",
        "by BIOS only",
        ["dnf install edk2-ovmf"],
        False,
    ),
    (
        {"loaders": {"undionly.kpxe": "/x/undionly.kpxe"}},
        "loaders",
        "FAIL",
        "snponly.efi not found",
        ["apt-get install --no-install-recommends ipxe"],
        False,
    ),
    (
        {"rom": "", "packages": ""},
        "ipxe rom",
        "FAIL",
        "ROMs not found",
        [],
        False,
    ),
    (
        {"host": replace(HOST, networks=())},
        "network",
        "FAIL",
        "there is no network default",
        [
            "virsh -c qemu:///system net-define /usr/share/libvirt/networks/default.xml",
            "virsh -c qemu:///system net-start default",
            "virsh -c qemu:///system net-autostart default",
        ],
        True,
    ),
    (
        {"host": replace(HOST, networks=(OFF,))},
        "network",
        "FAIL",
        "network default is not active",
        [
            "virsh -c qemu:///system net-start default",
            "virsh -c qemu:///system net-autostart default",
        ],
        True,
    ),
    (
        {"host": replace(HOST, networks=(OFF, LAB))},
        "network",
        "WARN",
        "active are lab",
        [
            "virsh -c qemu:///system net-start default",
            "virsh -c qemu:///system net-autostart default",
        ],
        True,
    ),
    (
        {"host": replace(HOST, networks=(replace(NETWORK, autostart=False),))},
        "network",
        "WARN",
        "will not be after the host's next start",
        ["virsh -c qemu:///system net-autostart default"],
        True,
    ),
    (
        {"host": replace(HOST, pools=())},
        "pool",
        "FAIL",
        "there is no storage pool default",
        [
            "virsh -c qemu:///system pool-define-as default dir --target /var/lib/libvirt/images",
            "virsh -c qemu:///system pool-build default",
            "virsh -c qemu:///system pool-start default",
            "virsh -c qemu:///system pool-autostart default",
        ],
        True,
    ),
    (
        {"host": replace(HOST, pools=(replace(POOL, active=False),))},
        "pool",
        "FAIL",
        "is not active",
        [
            "virsh -c qemu:///system pool-start default",
            "virsh -c qemu:///system pool-autostart default",
        ],
        True,
    ),
    (
        {"host": replace(HOST, pools=(replace(POOL, available=2 * 10**9),))},
        "pool",
        "WARN",
        "2.0 GB",
        [],
        False,
    ),
    ({}, "port 67/udp", "PASS", "ProxyDHCP: free; shared with dnsmasq (pid 7)", [], False),
    ({"ports": (TAKEN,)}, "port 8080/tcp", "FAIL", "in use by nginx (pid 9)", [], False),
    ({"ports": (TAKEN,), "service": "http://x"}, "port 8080/tcp", "PASS", "running service", [], False),
    (
        {"firewalld": True},
        "firewall",
        "WARN",
        "firewalld lets guests",
        [
            "firewall-cmd --permanent --zone=libvirt --add-port=67/udp --add-port=8080/tcp",
            "firewall-cmd --reload",
        ],
        False,
    ),
    (
        {"state_dir": "/home/me/state", "barrier": "/home/me"},
        "state",
        "WARN",
        "libvirt-qemu cannot enter /home/me",
        ["chmod o+x /home/me"],
        False,
    ),
    (
        {"missing_tools": {"zstd": ("zstd", "zstd"), "mke2fs": ("e2fsprogs", "e2fsprogs")}},
        "tools",
        "WARN",
        "zstd, mke2fs not found",
        ["apt-get install --no-install-recommends e2fsprogs zstd"],
        False,
    ),
]


def test_a_good_host_passes_everything() -> None:
    assert [check for check in examine(GOOD) if check.verdict != "PASS"] == []


@pytest.mark.parametrize(("changed", "name", "verdict", "reason", "commands", "safe"), ROWS)
def test_verdict(
    changed: dict[str, Any], name: str, verdict: str, reason: str, commands: list[str], safe: bool
) -> None:
    checks = {check.name: check for check in examine(replace(GOOD, **changed))}

    found = checks[name]

    assert (found.verdict, found.safe) == (verdict, safe)
    assert reason in found.reason
    assert list(map(shlex.join, found.commands)) == commands


def test_a_host_without_libvirt_is_not_asked_for_more() -> None:
    names = [check.name for check in examine(replace(GOOD, host=None, libvirt_error="gone"))]

    assert {"qemu", "uefi", "network", "pool"} & set(names) == set()


def test_the_first_directory_that_qemu_cannot_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    closed = tmp_path / "closed"
    (closed / "state").mkdir(parents=True)
    top = barrier(tmp_path, "nobody")  # a machine's own folders above may be closed already
    closed.chmod(0o700)

    assert barrier(closed / "state", "nobody") == (top or str(closed))
    closed.chmod(0o711)
    assert barrier(closed / "state", "nobody") == top


def test_probing_this_host_gives_facts_that_can_be_judged(tmp_path: Path) -> None:
    settings = load(state_dir=tmp_path, libvirt_uri="test:///default", interfaces=["lo"], api_port=18081)

    facts = probe(settings, prove=False, say=lambda line: None)

    assert facts.python >= (3, 11)
    assert facts.host is not None and facts.host.uri == "test:///default"
    assert {port.number for port in facts.ports} == {67, 69, 4011, 8080, 18081}
    assert {check.verdict for check in examine(facts)} <= {"PASS", "WARN", "FAIL"}


def test_no_such_uri_is_a_fact_too(tmp_path: Path) -> None:
    settings = load(state_dir=tmp_path, libvirt_uri="nothing:///system", interfaces=["lo"])

    facts = probe(settings, prove=False, say=lambda line: None)

    assert facts.host is None
    assert facts.libvirt_error


BROKEN = [
    Check("python", "PASS", "3.11.7"),
    Check("pool", "WARN", "is not active", (("touch", "{mark}"),), safe=True),
    Check("state", "WARN", "cannot enter", (("touch", "{other}"),)),
]
MENDED = [Check("python", "PASS", "3.11.7"), Check("pool", "PASS", "fine"), Check("tools", "FAIL", "zstd")]


def test_fix_runs_only_what_is_safe_and_looks_again(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark, other = tmp_path / "mark", tmp_path / "other"
    places = {"{mark}": str(mark), "{other}": str(other)}
    broken = [
        replace(check, commands=tuple(tuple(places.get(w, w) for w in c) for c in check.commands))
        for check in BROKEN
    ]
    monkeypatch.setattr(command, "_examine", lambda settings, quick: MENDED if mark.exists() else broken)

    before = provisioner("doctor")
    after = provisioner("doctor", "--fix")

    assert (before.code, after.code) == (0, 1)
    assert before.out.splitlines() == [
        "PASS  python  3.11.7",
        "WARN  pool    is not active",
        f"              fix: touch {mark}",
        "WARN  state   cannot enter",
        f"              fix: touch {other}",
    ]
    assert after.out.splitlines() == ["PASS  python  3.11.7", "PASS  pool    fine", "FAIL  tools   zstd"]
    assert after.err == f"fix: touch {mark}\n"
    assert not other.exists()


def test_a_fix_that_fails_is_said_and_not_repeated(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [Check("pool", "FAIL", "gone", (("false",), ("touch", "/never")), safe=True)]
    monkeypatch.setattr(command, "_examine", lambda settings, quick: checks)

    ran = provisioner("doctor", "--fix", "-o", "json")

    assert ran.code == 1
    assert ran.err == "fix: false\nerror: false: ended with 1\n"
    assert json.loads(ran.out) == [
        {
            "name": "pool",
            "verdict": "FAIL",
            "reason": "gone",
            "commands": ["false", "touch /never"],
            "safe": True,
        }
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may not try the ports")
def test_the_command_as_a_whole(provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISIONER_LIBVIRT_URI", "test:///default")

    ran = provisioner("doctor", "--quick", "-o", "json")

    names = [check["name"] for check in json.loads(ran.out)]
    assert names[:3] == ["python", "rights", "libvirt"]
    assert ran.code in (0, 1)
