"""The loaders beside iPXE, booted: PXELINUX, GRUB behind shim, and two guests at once under Secure Boot.

GRUB 2.06 goes on at the address that the DHCP server named, not at a ProxyDHCP, so this is libvirt's network.
"""

from pathlib import Path

import pytest

from tests.lab.networks import POOL
from tests.lab.service import Service

WAYS: dict[str, dict[str, object]] = {
    "pxelinux": {"boot": "bios", "loader": "pxelinux"},
    "grub": {"boot": "uefi", "loader": "grub"},
}
SECURE = {"boot": "uefi,secure=on", "memory": 1024, "extra_args": "loglevel=7"}
DISKS = [f"size=1,pool={POOL}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "way" in metafunc.fixturenames:
        ways = list(WAYS) if metafunc.config.getoption("--every-cell") else []
        metafunc.parametrize("way", ways)


def test_a_guest_installs_itself(way: str, nat: Service) -> None:
    name = f"plab-{way}"
    nat.create(name, disks=DISKS, **WAYS[way])

    nat.wait(name, 420, "first-boot")

    assert nat.kinds(name).count("answer.served") == 1
    nat.call("DELETE", f"/guests/{name}")


def test_two_guests_of_different_profiles_boot_at_once_under_secure_boot(nat: Service) -> None:
    profiles = {"plab-red": "tiny", "plab-blue": "tiny-blue"}
    nat.call("POST", "/profiles/tiny/copy", {"name": "tiny-blue"})
    nat.call("PUT", "/profiles/tiny-blue", {"variables": {"timezone": "Europe/Berlin"}})
    for name, profile in profiles.items():
        nat.create(name, profile=profile, disks=DISKS, **SECURE)

    for name in profiles:
        nat.wait(name, 700, "first-boot")

    for name in profiles:
        install, events = nat.install(name)["id"], nat.events(name)
        texts = {event["kind"]: event["text"] for event in events}
        assert [event["kind"] for event in events].count("answer.served") == 1
        assert texts["succeeded"] == f"installed by the kickstart of install {install}"
        serial = Path(nat.state, "logs", f"{install}.log").read_bytes()
        assert b"secureboot: Secure boot enabled" in serial
        nat.call("DELETE", f"/guests/{name}")
