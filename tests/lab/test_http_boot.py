"""UEFI HTTP Boot on x86-64: iPXE, and under Secure Boot shim and GRUB, to the answer file.

The machine is one that we did not create, known by its MAC address. Its firmware asks with option 60
HTTPClient once its PXE is switched off. GRUB 2.06 stops at its prompt there: the tree brings a later one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import signed_trees
from tests.lab.hardware import HTTP_ONLY, X64, X64_SECURE, Board, machine, reach_the_answer
from tests.lab.networks import NETWORKS
from tests.lab.service import Service, serving


@dataclass(frozen=True, slots=True)
class Way:
    """`programs` are what the firmware fetches first, `said` what must stand on the serial line."""

    board: Board
    mac: str
    loader: str
    tree: str
    programs: tuple[str, ...]
    said: str = ""


WAYS = {
    "plain": Way(X64, "52:54:00:64:00:01", "ipxe", "mini", ("snponly.efi",)),
    "secure": Way(
        X64_SECURE,
        "52:54:00:64:00:02",
        "grub",
        "plab-el",
        ("shimx64.efi", "grubx64.efi"),
        "secureboot: Secure boot enabled",
    ),
}
PROFILE = {"family": "image", "template": "image/ks.cfg.j2", "image": "tiny"}


@pytest.fixture
def bridged(state: Path, pool: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    del pool
    if not request.config.getoption("--every-cell"):
        pytest.skip("make e2e-full boots it")
    if lacks := X64_SECURE.missing():
        pytest.skip(f"missing on this machine: {lacks} (packaging/setup.sh test)")
    with NETWORKS["bridge"](False) as lan, serving(state, lan) as service:
        service.have_image("tiny")
        yield service


@pytest.mark.parametrize("way", WAYS)
def test_a_machine_boots_by_http_to_its_answer_file(way: str, bridged: Service) -> None:
    row, name, state = WAYS[way], f"plab-http-{way}", bridged.state
    mini = bridged.have_mini()
    if row.tree != "mini":
        signed_trees.red_hat(mini, state / "el", state / "cache/signed")
        bridged.call("POST", "/trees", {"name": row.tree, "source": str(state / "el")})
    bridged.call("POST", "/profiles", {"name": name, "tree": row.tree, **PROFILE})
    bridged.call("POST", "/machines", {"name": name, "mac": row.mac, "profile": name, "loader": row.loader})

    with machine(
        row.board, state / name, bridged.lan.device, row.mac, bridged.environment, *HTTP_ONLY
    ) as board:
        reach_the_answer(board, bridged, name, row.said)

    events = bridged.events(name)
    assert list(bridged.fetched(name)) == list(row.programs), bridged.timeline(name)
    assert {event["source"] for event in events if event["kind"] == "loader.sent"} == {"http"}
    assert {"script.sent", "kernel.sent", "initrd.sent"} <= set(bridged.kinds(name)), bridged.timeline(name)
    bridged.call("DELETE", f"/machines/{name}")
