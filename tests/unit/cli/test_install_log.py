"""`install log`: what was kept of an installation, as text and as a picture."""

from pathlib import Path

from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner, told_once
from tests.unit.cli.fake import FakeService

KEPT = f"/installs/{fake.INSTALL['id']}"


def test_log_serial_line_and_screen(service: FakeService, provisioner: Provisioner, tmp_path: Path) -> None:
    service.replies = {
        "GET /installs/web1": fake.INSTALL,
        f"GET {KEPT}/log": b"one\ntwo\n",
        f"GET {KEPT}/serial": b"web1 login:\n",
        f"GET {KEPT}/screen.png": b"\x89PNG",
    }

    assert provisioner("install", "log", "web1").out == "one\ntwo\n"
    assert provisioner("install", "log", "web1", "--serial").out == "web1 login:\n"
    picture = tmp_path / "web1.png"
    assert provisioner("install", "log", "web1", "--screen", str(picture)).out == ""
    assert picture.read_bytes() == b"\x89PNG"


def test_what_was_not_kept_and_what_cannot_be_written(
    service: FakeService, provisioner: Provisioner, tmp_path: Path
) -> None:
    service.replies = {"GET /installs/web1": fake.INSTALL, f"GET {KEPT}/screen.png": b"\x89PNG"}

    told_once(provisioner("install", "log", "web1"))
    told_once(provisioner("install", "log", "web1", "--screen", str(tmp_path / "nowhere" / "x.png")))


def test_why_names_what_was_kept(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /installs/web1/why": fake.WHY | {"kept": {"log": 5, "screen": 9}}}

    assert provisioner("install", "why", "web1").out.splitlines()[-1] == (
        "kept       log: provisioner install log web1; screen: provisioner install log web1 --screen FILE"
    )
