"""The real debian-installer, unattended, by PXE, from a medium's ISO that is neither mounted nor copied."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import debian_medium
from tests.lab.networks import NETWORKS, POOL
from tests.lab.service import Service, serving, until

TREE, GUEST = "debian13", "plab-di-iso"
LOGIN = f"{GUEST} login:"


@pytest.fixture
def medium(state: Path, request: pytest.FixtureRequest) -> Path:
    if not request.config.getoption("--every-cell"):
        pytest.skip("Debian's installer takes 12 to 30 minutes where KVM is missing: make e2e-full runs it")
    if packages := debian_medium.missing():
        pytest.skip(f"missing on this machine: {packages} (make setup)")
    return debian_medium.build((state / "cache").resolve())


@pytest.fixture
def service(medium: Path, state: Path, pool: str) -> Iterator[Service]:
    """It knows the medium as a tree, and a profile that takes packages which nobody has signed."""
    del pool
    with NETWORKS["nat"](True) as lan, serving(state, lan) as service:
        words = [sys.executable, "-m", "provisioner", "tree", "add", TREE, medium.name]
        subprocess.run(words, cwd=medium.parent, env=service.environment, check=True)
        service.call("POST", "/profiles/debian13/copy", {"name": GUEST})
        variables = service.call("GET", f"/profiles/{GUEST}")["variables"]
        service.call("PUT", f"/profiles/{GUEST}", {"variables": variables | {"insecure_mirror": True}})
        yield service


def serial(service: Service) -> str:
    return service.serial(GUEST).read_text(errors="replace")


def mounted() -> list[str]:
    """The files that loop devices read."""
    return [file.read_text().strip() for file in Path("/sys/block").glob("loop*/loop/backing_file")]


@pytest.mark.timeout(3600)
def test_debian_from_its_dvd(service: Service, medium: Path) -> None:
    tree = service.call("GET", f"/trees/{TREE}")
    folder = debian_medium.NETBOOT
    assert (tree["source"], tree["family"], tree["release"]) == (str(medium), "debian", "13")
    assert (tree["kernel"], tree["initrd"]) == (f"{folder}/linux", f"{folder}/initrd.gz")

    service.create(GUEST, profile=GUEST, boot="bios", disks=[f"size=4,pool={POOL}"], vcpus=2, memory=1024)
    service.wait(GUEST, 2700, "first-boot")

    until(lambda: LOGIN in serial(service), 300, f"{LOGIN} on the serial line")
    sent = {"script.sent", "kernel.sent", "initrd.sent", "answer.served"}
    assert sent <= set(service.kinds(GUEST))
    assert str(medium) not in mounted()
    assert not list(service.state.glob("**/*.*deb")), "packages of the ISO were copied"
    service.call("DELETE", f"/guests/{GUEST}")
