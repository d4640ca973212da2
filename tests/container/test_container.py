"""Containerfile and compose.yaml, brought up on a base image made here, until /readyz answers."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.lab.networks import bridge
from tests.lab.service import until
from tests.lab.waiting import free_port

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".cache/container"
BASE, IMAGE = "localhost/provisioner-test-base", "localhost/provisioner:latest"
NET_BIND_SERVICE, NET_RAW = 10, 13
DEVICE, ADDRESS = "plab6", "10.213.6.1"

# Podman as it runs without systemd and without the right to raise limits.
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="the container test needs root: it makes a base image"),
    pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed"),
    pytest.mark.skipif(not shutil.which("debootstrap"), reason="debootstrap is not installed"),
]


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command, env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The configuration that every podman here is given."""
    file = tmp_path_factory.mktemp("podman") / "containers.conf"
    file.write_text(CONFIGURATION)
    return str(file)


@pytest.fixture(scope="module")
def base(podman: str) -> Iterator[str]:
    """A minimal system of the host's own release, from where the host's apt fetches; kept as a file."""
    CACHE.mkdir(parents=True, exist_ok=True)
    target = "$(REPO_URI) $(CODENAME)"
    site, suite = run("apt-get", "indextargets", "--format", target, "Created-By: Packages").split()[:2]
    archive = CACHE / f"{suite}.tar"
    if not archive.exists():
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            root = Path(place, "root")
            run("debootstrap", "--variant=minbase", suite, root, site)
            run("tar", "-C", root, "-cf", f"{archive}.part", ".")
            Path(f"{archive}.part").rename(archive)
    run("podman", "import", "-q", archive, BASE, CONTAINERS_CONF=podman)
    yield BASE
    run("podman", "rmi", "-f", BASE, CONTAINERS_CONF=podman)


@pytest.fixture(scope="module")
def image(base: str, podman: str) -> Iterator[str]:
    """Built with the host's apt sources and wheels that the host's pip fetched: no host is named anywhere."""
    wheels, pip = CACHE / "wheels", CACHE / "pip.conf"
    # The base is the host's own release, so its Python asks for the same files; build tools are for sdists.
    run("/usr/bin/python3", "-m", "venv", CACHE / "venv")
    fetch = (CACHE / "venv/bin/pip", "download", "-qq", "-d", wheels)
    run(*fetch, "--require-hashes", "-r", ROOT / "requirements.lock")
    run(*fetch, "setuptools", "wheel")
    pip.write_text("[install]\nno-index = true\nfind-links = /wheels\n")
    mounts = {"/etc/apt": "/etc/apt", str(wheels): "/wheels", str(pip): "/etc/pip.conf"}
    volumes = [f"--volume={here}:{there}:ro" for here, there in mounts.items()]
    build = [
        "podman",
        "build",
        "-q",
        "--network=host",
        *volumes,
        "--build-arg",
        f"BASE={base}",
        "-t",
        IMAGE,
        ".",
    ]
    run(*build, CONTAINERS_CONF=podman)
    yield IMAGE
    run("podman", "rmi", "-f", IMAGE, CONTAINERS_CONF=podman)


def test_the_container_gets_ready(image: str, podman: str, tmp_path: Path) -> None:
    state, media = Path(tempfile.mkdtemp(prefix="provisioner-container-", dir="/var/lib")), tmp_path / "media"
    media.mkdir()
    settings = {
        "CONTAINERS_CONF": podman,
        "PROVISIONER_STATE_DIR": str(state),
        "PROVISIONER_MEDIA": str(media),
        "PROVISIONER_INTERFACES": json.dumps([DEVICE]),
        "PROVISIONER_API_PORT": str(free_port()),
        "PROVISIONER_SYSLOG_PORT": str(free_port()),
    }
    compose = [sys.executable, "-m", "podman_compose", "-p", "provisioner-test"]
    ready = f"http://127.0.0.1:{settings['PROVISIONER_API_PORT']}/readyz"

    def answers() -> bool:
        try:
            return requests.get(ready, timeout=2).status_code == 200
        except requests.RequestException:
            return False

    with bridge(DEVICE, ADDRESS):
        try:
            run(*compose, "up", "-d", "--no-build", **settings)
            try:
                until(answers, 60, "/readyz of the service in the container")
            except TimeoutError as error:
                pytest.fail(f"{error}\n{run(*compose, 'logs', **settings)}")
            assert requests.get(f"http://{ADDRESS}:8080/healthz", timeout=5).status_code == 200
            capabilities = run(
                "podman", "inspect", "-f", "{{.EffectiveCaps}}", "provisioner-test_provisioner_1", **settings
            )
            assert sorted(capabilities.strip("[]\n").split()) == ["CAP_NET_BIND_SERVICE", "CAP_NET_RAW"]
        finally:
            run(*compose, "down", "-t", "5", **settings)
            shutil.rmtree(state)
