"""What debian-installer runs for a network or two disks, by a shell, in a folder instead of its system."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.answers.test_every_family import BOND, STATIC, preseed, read_yaml, written

CARDS = {"lo": "00:00:00:00:00:00", "ens3": "52:54:00:aa:bb:cc", "ens4": "52:54:00:aa:bb:dd"}
SCRIPT = "/usr/lib/finish-install.d/60network"
INTERFACES: dict[str, tuple[dict[str, object], str]] = {
    "static": (
        STATIC,
        """\
auto lo
iface lo inet loopback

auto ens3
iface ens3 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
""",
    ),
    "another card by DHCP": (
        {"interface": "ens4"},
        """\
auto lo
iface lo inet loopback

auto ens4
iface ens4 inet dhcp
""",
    ),
    "a VLAN": (
        {"vlan": 42},
        """\
auto lo
iface lo inet loopback

auto ens3
iface ens3 inet manual

auto ens3.42
iface ens3.42 inet dhcp
    vlan-raw-device ens3
""",
    ),
    "a bond": (
        {"bond": "eth0 eth1", "bond_mode": "802.3ad"},
        """\
auto lo
iface lo inet loopback

auto bond0
iface bond0 inet dhcp
    bond-slaves eth0 eth1
    bond-mode 802.3ad
    bond-miimon 100
""",
    ),
    "a VLAN on a bond": (
        BOND,
        """\
auto lo
iface lo inet loopback

auto bond0
iface bond0 inet manual
    bond-slaves eth0 eth1
    bond-mode active-backup
    bond-miimon 100
auto bond0.42
iface bond0.42 inet static
    vlan-raw-device bond0
    address 192.0.2.10/24
    gateway 192.0.2.1
""",
    ),
}


def run(folder: Path, script: str, **tools: str) -> None:
    """With /target, /sys and what else the installer has in the folder, and `tools` as its programs."""
    for name, body in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    moved = script.replace("/target/", f"{folder}/target/").replace("/sys/", f"{folder}/sys/")
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "C"}
    subprocess.run(["/bin/sh", "-e", "-c", moved], check=True, env=environment, cwd=folder, timeout=20)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    for place in ("target/etc/network", "target/etc/netplan", *(f"sys/class/net/{card}" for card in CARDS)):
        (tmp_path / place).mkdir(parents=True)
    for card, address in CARDS.items():
        (tmp_path / "sys/class/net" / card / "address").write_text(address + "\n")
    return tmp_path


@pytest.mark.parametrize("what", INTERFACES)
def test_the_installed_debian_has_its_network(system: Path, what: str) -> None:
    variables, expected = INTERFACES[what]
    early = preseed("debian", "12", variables)["preseed/early_command"]
    run(system, written(early, SCRIPT))

    assert (system / "target/etc/network/interfaces").read_text() == expected
    resolvers = system / "target/etc/resolv.conf"
    assert resolvers.exists() == ("nameservers" in variables)
    if resolvers.exists():
        assert resolvers.read_text() == "nameserver 192.0.2.2\nnameserver 192.0.2.3\n"


def test_the_installed_ubuntu_18_has_its_network(system: Path) -> None:
    (system / "target/etc/netplan/50-cloud-init.yaml").write_text("network: {}\n")
    early = preseed("ubuntu", "18.04", BOND)["preseed/early_command"]
    run(system, written(early, SCRIPT))

    (plan,) = (system / "target/etc/netplan").iterdir()
    assert read_yaml(plan.read_text())["network"]["vlans"] == {
        "bond0.42": {
            "id": 42,
            "link": "bond0",
            "addresses": ["192.0.2.10/24"],
            "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
            "nameservers": {"addresses": ["192.0.2.2", "192.0.2.3"]},
        }
    }


MIRRORS: dict[str, tuple[dict[str, object], bool, str]] = {
    "the first two": ({}, False, "/dev/vda1#/dev/vdb1"),
    "the first two, UEFI": ({}, True, "/dev/vda2#/dev/vdb2"),
    "two that are named": ({"disk": "sdc sdd"}, False, "/dev/sdc1#/dev/sdd1"),
    "disks whose names end in a number": ({"disk": "nvme0n1 nvme1n1"}, True, "/dev/nvme0n1p2#/dev/nvme1n1p2"),
}


@pytest.mark.parametrize("what", MIRRORS)
def test_two_disks_become_a_mirror(system: Path, what: str) -> None:
    variables, uefi, parts = MIRRORS[what]
    if uefi:
        (system / "sys/firmware/efi").mkdir(parents=True)
    command = preseed("debian", "12", {"layout": "raid1"} | variables)["partman/early_command"]
    run(
        system,
        command,
        **{"list-devices": "printf '/dev/vd%s\\n' a b c", "debconf-set": f'echo "$1=$2" >>{system}/answers'},
    )

    disks = " ".join(
        part.rstrip("12").removesuffix("p") if "nvme" in part else part[:-1] for part in parts.split("#")
    )
    assert (system / "answers").read_text().splitlines() == [
        f"partman-auto/disk={disks}",
        f"grub-installer/bootdev={disks}",
        f"partman-auto-raid/recipe=1 2 0 ext4 / {parts} .",
    ]
