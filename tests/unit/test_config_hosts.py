"""Hosts in the settings: a line or a table each, and in the environment as JSON."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from provisioner.config import Settings
from provisioner.core.host import Host
from provisioner.wiring.hosts import configured

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
    return Settings()


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
