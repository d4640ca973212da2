"""Guests that install from one tree at once: its upstream gives what it would give to a single one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.mirror.origin import Beside, beside
from tests.lab.networks import POOL
from tests.lab.service import Service

FEW, MANY = 3, 8
"""Guests at once in `make e2e`, and in `make e2e-full`."""
MOST = 1.02
"""Bytes from the upstream, by those for a single guest."""


@pytest.fixture
def upstream(nat: Service, tmp_path: Path) -> Iterator[Beside]:
    """The mini installer's tree behind a counting server, at two addresses, which are two sources."""
    for name in ("one", "many"):
        (tmp_path / name).symlink_to(nat.have_mini())
    with beside(tmp_path) as made:
        yield made


def fetched(service: Service, upstream: Beside, source: str, names: list[str], seconds: float) -> int:
    """Bytes of the upstream until all of the guests were installed from that tree, side by side."""
    tree = f"plab-bulk-{source}"
    before = upstream.origin.sent
    service.call("POST", "/trees", {"name": tree, "source": f"{upstream.origin.url}/{source}"})
    service.call("POST", "/profiles/tiny/copy", {"name": tree})
    service.call("PUT", f"/profiles/{tree}", {"tree": tree})
    wanted = {"profile": tree, "networks": [service.lan.nic], "disks": [f"size=1,pool={POOL}"], "memory": 256}
    for line in service.lines("/guests/batch", {"names": names, **wanted}):
        assert "created" in line, line
    for name in names:
        service.wait(name, seconds, "first-boot")
        service.call("DELETE", f"/guests/{name}")
    return upstream.origin.sent - before


@pytest.mark.timeout(3600)
def test_bulk_guests_fetch_a_tree_once(
    nat: Service, upstream: Beside, request: pytest.FixtureRequest
) -> None:
    count = MANY if request.config.getoption("--every-cell") else FEW
    kernel = (nat.have_mini() / "images/pxeboot/vmlinuz").stat().st_size
    one = fetched(nat, upstream, "one", ["plab-bulk-0"], 420)
    many = fetched(nat, upstream, "many", [f"plab-bulk-{number + 1}" for number in range(count)], 300 * count)

    print(f"{count} guests at once: {many / 1e6:.1f} MB from the upstream, one guest: {one / 1e6:.1f} MB")
    assert kernel < one
    assert many <= MOST * one
