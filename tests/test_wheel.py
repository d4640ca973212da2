"""The wheel, built and installed where no checkout is: its templates are there and its command runs."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LISTING = """
import json, provisioner
from provisioner import resources
from provisioner.boot import script
print(json.dumps({
    "package": provisioner.__file__,
    "root": str(resources.root()),
    "templates": resources.text("templates").list_templates(),
    "kickstarts": [name for name in resources.answers().list_templates() if not name.startswith("shipped/")],
    "stub": script.stub("http://192.0.2.1:8080"),
}))
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and, by a path entry, the dependencies of this one."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "env")
    python = place / "env/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "-qq"]
    subprocess.run([*pip, str(wheel)], check=True)
    (site,) = (place / "env/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "env"


def run(environment: Path, *command: str) -> str:
    done = subprocess.run(
        [environment / "bin" / command[0], *command[1:]], cwd=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shipped(folder: str) -> list[str]:
    return sorted(
        path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()
    )


def test_the_wheel_carries_and_renders_the_templates(installed: Path) -> None:
    found = json.loads(run(installed, "python", "-c", LISTING))

    assert found["package"].startswith(str(installed))
    assert found["root"].startswith(str(installed))
    assert found["templates"] == shipped("templates")
    assert found["kickstarts"] == shipped("kickstarts")
    assert "http://192.0.2.1:8080/boot/script/" in found["stub"]


def test_the_installed_command_runs(installed: Path) -> None:
    assert "guest" in run(installed, "provisioner", "--help")
