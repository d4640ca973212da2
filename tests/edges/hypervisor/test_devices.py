"""The host's network devices, and who may open /dev/kvm."""

import os
import pwd
from pathlib import Path

import pytest

from provisioner.hypervisor.devices import is_local, kvm_trouble, network_devices


def test_bridges_and_parents_are_told_apart(tmp_path: Path) -> None:
    for name, *inside in (
        ("br0", "bridge"),
        ("eth0",),
        ("eth1", "master"),
        ("lo",),
        ("vnet0", "tun_flags"),
        ("macvtap0", "macvtap"),
        ("bond0",),
    ):
        (tmp_path / name).mkdir()
        for entry in inside:
            (tmp_path / name / entry).mkdir()
    (tmp_path / "bonding_masters").touch()

    assert network_devices(tmp_path) == (("br0",), ("bond0", "eth0"))


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("qemu:///system", True),
        ("test:///default", True),
        ("qemu+unix:///system?socket=/run/x", True),
        ("qemu+ssh://root@host/system", False),
        ("qemu+tls://host.example/system", False),
    ],
)
def test_whether_a_uri_is_this_machine(uri: str, local: bool) -> None:
    assert is_local(uri) is local


@pytest.fixture
def qemu_user() -> pwd.struct_passwd:
    for entry in pwd.getpwall():
        if entry.pw_name in ("libvirt-qemu", "qemu"):
            return entry
    pytest.skip("libvirt's QEMU user does not exist here")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another group takes root")
def test_a_device_closed_to_qemu_is_told_with_its_remedy(
    tmp_path: Path, qemu_user: pwd.struct_passwd
) -> None:
    device = tmp_path / "kvm"
    device.touch()

    for group, mode, open_to_qemu in (
        (0, 0o600, False),
        (0, 0o660, False),
        (0, 0o666, True),
        (qemu_user.pw_gid, 0o660, True),
        (qemu_user.pw_gid, 0o640, False),
    ):
        os.chown(device, 0, group)
        device.chmod(mode)
        trouble = kvm_trouble(device)
        assert (trouble == "") is open_to_qemu, (group, oct(mode), trouble)

    os.chown(device, 0, 0)
    device.chmod(0o600)
    assert kvm_trouble(device) == (
        f"{device} (group root, mode 0600) is closed to {qemu_user.pw_name}, so every guest takes up to a "
        f"minute to start; mend it with: chgrp kvm {device} && chmod 660 {device}"
    )


def test_no_device_is_no_trouble(tmp_path: Path) -> None:
    assert kvm_trouble(tmp_path / "kvm") == ""
