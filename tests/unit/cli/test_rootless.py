"""What an ordinary user has by default: a place of their own, the loopback, and no port that needs rights."""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import endpoint
from provisioner.cli.endpoint import Endpoint, find
from provisioner.cli.serve import load
from provisioner.cli.sockets import doors
from provisioner.service.doctor import examine
from provisioner.state import user_data
from tests.unit.cli.fake import TOKEN, FakeService
from tests.unit.cli.test_doctor import GOOD, HOST
from tests.unit.cli.test_endpoint import left


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PROVISIONER_CONFIG", "/nonexistent")


def test_a_session_is_served_without_rights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu:///session")

    settings = load()

    assert settings.rootless
    assert settings.state_dir == tmp_path / "provisioner"
    assert settings.media_dirs == [tmp_path / "libvirt/images"]
    assert (settings.interfaces, settings.netboot) == (["lo"], False)
    assert {(door.protocol, door.address, door.port) for door in doors(settings)} == {
        ("tcp", "127.0.0.1", 8080),
        ("tcp", "127.0.0.1", 8081),
    }


def test_what_is_said_wins() -> None:
    settings = load(
        libvirt_uri="qemu:///session", interfaces=["br0"], netboot=True, state_dir=Path("/srv/mine")
    )

    assert (settings.interfaces, settings.netboot) == (["br0"], True)
    assert settings.state_dir == Path("/srv/mine")


@pytest.mark.parametrize(("uri", "user"), [("qemu:///system", 1000), ("qemu:///session", 0)])
def test_nobody_else_has_other_defaults(monkeypatch: pytest.MonkeyPatch, uri: str, user: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)

    settings = load(libvirt_uri=uri)

    assert not settings.rootless
    assert (settings.interfaces, settings.netboot) == (["virbr0"], True)
    assert settings.state_dir == Path("/var/lib/provisioner")


@pytest.mark.parametrize(
    ("named", "folder"),
    [
        ("/data", Path("/data")),
        ("not/absolute", Path.home() / ".local/share"),
        ("", Path.home() / ".local/share"),
    ],
)
def test_where_a_users_data_is(named: str, folder: Path) -> None:
    assert user_data({"XDG_DATA_HOME": named}) == folder


def test_the_users_own_service_is_found_before_the_systems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    everybodys, mine = tmp_path / "system", tmp_path / "provisioner"
    monkeypatch.setattr(endpoint, "STATE_DIR", everybodys)
    monkeypatch.setattr(endpoint, "_CONFIG", tmp_path / "none")
    environ: dict[str, Any] = {"XDG_DATA_HOME": str(tmp_path)}
    with FakeService() as service:
        left(everybodys, service.url)
        assert find(environ) == Endpoint(service.url, TOKEN, everybodys)
        left(mine, service.url)
        assert find(environ) == Endpoint(service.url, TOKEN, mine)


MINE: dict[str, Any] = {
    "root": False,
    "rootless": True,
    "user": "ann",
    "uri": "qemu:///session",
    "pool_path": "/home/ann/images",
}
"""An ordinary user with a libvirt of their own."""

# what is changed, the check it concerns, its verdict, words of its reason, its commands, whether safe
ROWS: list[tuple[dict[str, Any], str, str, str, list[str], bool]] = [
    ({}, "rights", "PASS", "none needed: ann's own guests", [], False),
    ({}, "kvm device", "PASS", "is open to ann", [], False),
    (
        {"kvm_open": False},
        "kvm device",
        "WARN",
        "is closed to ann: guests are emulated",
        ["sudo usermod -aG kvm ann"],
        False,
    ),
    ({}, "network", "PASS", "QEMU's user network", [], False),
    (
        {"host": replace(HOST, pools=())},
        "pool",
        "FAIL",
        "there is no storage pool default",
        [
            "virsh -c qemu:///session pool-define-as default dir --target /home/ann/images",
            "virsh -c qemu:///session pool-build default",
            "virsh -c qemu:///session pool-start default",
            "virsh -c qemu:///session pool-autostart default",
        ],
        True,
    ),
    (
        {"host": None, "libvirt_error": "no socket", "systemd": True},
        "libvirt",
        "FAIL",
        "qemu:///session does not answer",
        ["libvirtd -d"],
        True,
    ),
]


@pytest.mark.parametrize(("changed", "name", "verdict", "words", "commands", "safe"), ROWS)
def test_the_doctors_verdict(
    changed: dict[str, Any], name: str, verdict: str, words: str, commands: list[str], safe: bool
) -> None:
    check = next(check for check in examine(replace(GOOD, **{**MINE, **changed})) if check.name == name)

    assert (check.verdict, list(map(shlex.join, check.commands)), check.safe) == (verdict, commands, safe)
    assert words in check.reason


def test_an_ordinary_user_needs_no_loaders_and_no_firewall() -> None:
    names = {check.name for check in examine(replace(GOOD, **MINE, loaders={}, firewalld=True))}

    assert not {"loaders", "secure boot", "firewall"} & names
