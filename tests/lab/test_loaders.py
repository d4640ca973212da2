"""The loaders beside iPXE, booted: PXELINUX, GRUB behind shim, and the same under Secure Boot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import _serve
from tests.lab.networks import POOL
from tests.lab.service import Service

WAYS: dict[str, dict[str, object]] = {
    "pxelinux": {"boot": "bios", "loader": "pxelinux"},
    "grub": {"boot": "uefi", "loader": "grub"},
    "secure": {"boot": "uefi,secure=on", "memory": 1024},
}


@pytest.fixture
def bridged(state: Path, pool: str) -> Iterator[Service]:
    del pool
    yield from _serve(state, "nat", False)


@pytest.mark.parametrize("way", WAYS)
def test_a_guest_installs_itself(way: str, bridged: Service) -> None:
    name = f"plab-{way}"
    bridged.create(name, disks=[f"size=1,pool={POOL}"], **WAYS[way])

    bridged.wait(name, 420)

    print(bridged.story(name))
    bridged.call("DELETE", f"/guests/{name}")
