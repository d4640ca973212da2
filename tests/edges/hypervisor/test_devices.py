"""The host's network devices, and who may open /dev/kvm."""

import os
import pwd
from pathlib import Path

import pytest

from provisioner.hypervisor.devices import (
    is_local,
    is_own,
    kvm_trouble,
    lent,
    network_devices,
    own_kvm_trouble,
)


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


@pytest.mark.parametrize(
    ("rules", "lent_out"),
    [
        ("", ()),
        ("allow br0 # the office", ("br0",)),
        ("allow all\ndeny br1\n", ("br0", "virbr0")),
        ("allow all\ndeny all", ()),
        ("include {more}", ("br1",)),
        ("include /nowhere\nnonsense\n\n", ()),
    ],
)
def test_which_bridges_qemus_helper_lends(tmp_path: Path, rules: str, lent_out: tuple[str, ...]) -> None:
    helper, file, more = tmp_path / "helper", tmp_path / "bridge.conf", tmp_path / "more.conf"
    helper.touch()
    more.write_text("allow br1")
    file.write_text(rules.format(more=more))
    bridges = ("br0", "br1", "virbr0")

    assert lent(bridges, [helper], file) == ()
    helper.chmod(0o4755)
    assert lent(bridges, [helper], file) == lent_out
    assert lent(bridges, [tmp_path / "none"], file) == ()


@pytest.mark.parametrize(
    ("uri", "user", "own"),
    [
        ("qemu:///session", 1000, True),
        ("qemu:///session", 0, False),
        ("qemu:///system", 1000, False),
        ("qemu+ssh://far.example/session", 0, True),
    ],
)
def test_whose_libvirt_a_session_is(monkeypatch: pytest.MonkeyPatch, uri: str, user: int, own: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert is_own(uri) is own


def test_kvm_that_is_closed_to_this_user_is_told_with_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "kvm"
    assert own_kvm_trouble(device) == ""
    device.touch()
    assert own_kvm_trouble(device) == ""

    monkeypatch.setattr(os, "access", lambda *asked: False)
    assert own_kvm_trouble(device).startswith(f"{device} is closed to this user; its group is ")
