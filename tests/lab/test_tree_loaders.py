"""Guests under Secure Boot that start by the shim and GRUB of the very tree that they install.

Beside somebody else's DHCP server: where GRUB 2.12 comes from the tree it goes on with us there as well. This
host's own pair is Debian 12's, so the sizes of what was sent tell whose it was.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.lab import signed_trees
from tests.lab.networks import NETWORKS, POOL
from tests.lab.service import Service, serving

SECURE = {"boot": "uefi,secure=on", "memory": 1024, "extra_args": "loglevel=7"}
DISKS = [f"size=1,pool={POOL}"]
CLOSED = b"Secure boot enabled"


@pytest.fixture
def bridged(state: Path, pool: str) -> Iterator[Service]:
    del pool
    with NETWORKS["bridge"](False) as lan, serving(state, lan) as service:
        service.have_image("tiny")
        yield service


def hosts(service: Service) -> Mapping[str, int]:
    """The sizes of this host's own."""
    rows = service.call("GET", "/loaders")
    return {row["name"]: row["size"] for row in rows if row["path"]}


def serial(service: Service, guest: str) -> bytes:
    return Path(service.state, "logs", f"{service.install(guest)['id']}.log").read_bytes()


def test_red_hat_s_layout(bridged: Service) -> None:
    name, state = "plab-el", bridged.state
    sizes = signed_trees.red_hat(bridged.have_mini(), state / "el", state / "cache/signed")
    bridged.call("POST", "/trees", {"name": name, "source": str(state / "el")})
    profile = {"family": "image", "tree": name, "template": "image/ks.cfg.j2", "image": "tiny"}
    bridged.call("POST", "/profiles", {"name": name, **profile})
    bridged.create(name, profile=name, disks=DISKS, **SECURE)

    bridged.wait(name, 420, "first-boot")

    assert bridged.fetched(name) == sizes != {file: hosts(bridged)[file] for file in sizes}
    assert CLOSED in serial(bridged, name)
    bridged.call("DELETE", f"/guests/{name}")


def test_debian_s_netboot_folder(bridged: Service, request: pytest.FixtureRequest) -> None:
    """The real debian-installer, to its preseed file, where DHCP names no DNS server."""
    if not request.config.getoption("--every-cell"):
        pytest.skip("Debian's installer has 40 MB to unpack: make e2e-full boots it")
    name, state = "plab-di", bridged.state
    sizes = signed_trees.debian(state / "di", state / "cache/signed")
    bridged.call("POST", "/trees", {"name": "debian13", "source": str(state / "di")})
    bridged.create(name, profile="debian13", disks=[f"size=4,pool={POOL}"], **SECURE)

    bridged.wait_for(name, "answer.served", 420)

    assert bridged.fetched(name) == sizes != {file: hosts(bridged)[file] for file in sizes}
    assert {"script.sent", "kernel.sent", "initrd.sent"} <= set(bridged.kinds(name))
    assert CLOSED in serial(bridged, name)
    bridged.call("DELETE", f"/guests/{name}")
