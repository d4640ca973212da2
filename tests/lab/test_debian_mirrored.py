"""The real debian-installer through a mirror that has nothing yet, then once more with its upstream away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.mirror.origin import Beside, beside
from tests.lab import debian_medium, debian_mirror
from tests.lab.networks import NETWORKS, POOL
from tests.lab.service import Service, serving, until

TREE = "plab-debian13"
GUESTS = {"cold": "plab-di-cold", "offline": "plab-di-offline"}


@pytest.fixture
def upstream(state: Path, request: pytest.FixtureRequest) -> Iterator[Beside]:
    """A small mirror of Debian 13 that counts."""
    if not request.config.getoption("--every-cell"):
        pytest.skip("Debian's installer takes 12 to 30 minutes where KVM is missing: make e2e-full runs it")
    if packages := debian_medium.missing():
        pytest.skip(f"missing on this machine: {packages} (make setup)")
    with beside(debian_mirror.assembled((state / "cache").resolve())) as made:
        yield made


@pytest.fixture
def service(upstream: Beside, state: Path, pool: str) -> Iterator[Service]:
    """It knows the mirror as a tree, and a profile that takes packages which nobody has signed."""
    del pool
    with NETWORKS["nat"](True) as lan, serving(state, lan) as service:
        service.call("POST", "/trees", {"name": TREE, "source": upstream.origin.url})
        service.call("POST", "/profiles/debian13/copy", {"name": TREE})
        variables = service.call("GET", f"/profiles/{TREE}")["variables"] | {"insecure_mirror": True}
        service.call("PUT", f"/profiles/{TREE}", {"tree": TREE, "variables": variables})
        yield service


def install(service: Service, name: str) -> None:
    """Until the installed system asks who logs in."""
    service.create(name, profile=TREE, boot="bios", disks=[f"size=4,pool={POOL}"], vcpus=2, memory=1024)
    service.wait(name, 2700, "first-boot")
    login = f"{name} login:"
    until(lambda: login in service.serial(name).read_text(errors="replace"), 300, f"{login} on its serial")
    service.call("DELETE", f"/guests/{name}")


@pytest.mark.timeout(7200)
def test_debian_through_a_cold_mirror_and_offline(service: Service, upstream: Beside) -> None:
    install(service, GUESTS["cold"])
    packages = [asked.path for asked in upstream.origin.asked if asked.path.startswith("/pool/")]
    assert packages and len(packages) == len(set(packages)), "a package was fetched twice"

    upstream.stop()
    before = len(upstream.origin.asked)
    install(service, GUESTS["offline"])
    assert len(upstream.origin.asked) == before
