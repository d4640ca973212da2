"""Hosts in the settings: a line or a table each, and in the environment as JSON."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from provisioner.config import Settings
from provisioner.core.host import Host
from provisioner.wiring.hosts import configured
from tests.lab.waiting import free_port

PORTS = ("API", "HTTP", "SYSLOG", "DHCP", "PROXY", "TFTP")
FILE = """
[hosts]
rack1 = "qemu+tls://rack1.example/system"

[hosts.old]
uri = "qemu+tcp://old.example/system"
allow_unsafe = true
"""


def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "provisioner.toml"
    file.write_text(text)
    monkeypatch.setenv("PROVISIONER_CONFIG", str(file))
    nothing: dict[str, Any] = {}
    return Settings(**nothing)


def test_a_line_and_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert configured(settings(monkeypatch, tmp_path, FILE)) == {
        "rack1": Host("rack1", "qemu+tls://rack1.example/system", configured=True),
        "old": Host("old", "qemu+tcp://old.example/system", allow_unsafe=True, configured=True),
    }


def test_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISIONER_HOSTS", '{"rack1": "qemu:///session"}')

    assert configured(settings(monkeypatch, tmp_path, "")) == {
        "rack1": Host("rack1", "qemu:///session", configured=True)
    }


@pytest.mark.parametrize("text", ["[hosts]\nx = 1\n", "[hosts.x]\nport = 1\n", "hosts = 3\n"])
def test_what_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    with pytest.raises(ValidationError):
        settings(monkeypatch, tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "a setting in the environment is not JSON"),
        ('{"x": 1}', "setting hosts.x"),
        ('{"x": "qemu+tcp://h/system"}', "host x: libvirt URI qemu+tcp://h/system is not encrypted"),
        ('{"X y": "qemu:///session"}', "host name 'X y' is not usable"),
        ('{"local": "qemu:///session"}', "they are the same host"),
    ],
)
def test_what_is_wrong_is_one_sentence_before_anything_is_begun(
    tmp_path: Path, text: str, words: str
) -> None:
    environment = {**os.environ, "PROVISIONER_HOSTS": text, "PROVISIONER_STATE_DIR": str(tmp_path / "state")}
    environment |= {f"PROVISIONER_{name}_PORT": str(free_port()) for name in PORTS}  # a service may run here
    command = [sys.executable, "-m", "provisioner", "serve"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    first, *rest = ran.stderr.splitlines()
    assert (ran.returncode, first.startswith("error: "), words in first) == (1, True, True), ran.stderr
    assert all(line.startswith("remedy: ") for line in rest) and len(rest) <= 1
    assert not (tmp_path / "state").exists()
