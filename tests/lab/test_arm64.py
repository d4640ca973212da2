"""UEFI on arm64, booted: by PXE and by HTTP, through shim and GRUB under Secure Boot, and through iPXE.

To the answer file. The machine is one that we did not create, known by its MAC address.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.lab import arm64
from tests.lab.hardware import ARM64, ARM64_SECURE, HTTP_ONLY, Board, machine, reach_the_answer
from tests.lab.networks import NETWORKS
from tests.lab.service import Service, serving

MAC = "52:54:00:a6:40:0{}"


@dataclass(frozen=True, slots=True)
class Way:
    """`programs` are what the firmware fetches first, `said` what must stand on the serial line."""

    loader: str
    programs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    board: Board = ARM64
    said: str = ""


_SIGNED = ("shimaa64.efi", "grubaa64.efi")
_CLOSED = "secureboot: Secure boot enabled"
WAYS = {
    "pxe-grub": Way("grub", _SIGNED),
    "pxe-secure": Way("grub", _SIGNED, board=ARM64_SECURE, said=_CLOSED),
    "http-ipxe": Way("ipxe", ("snponly-arm64.efi",), HTTP_ONLY),
    "http-secure": Way("grub", _SIGNED, HTTP_ONLY, ARM64_SECURE, _CLOSED),
}
PROFILE = {"family": "image", "tree": "arm64", "template": "image/ks.cfg.j2", "image": "tiny"}


@pytest.fixture
def arm(state: Path, pool: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    del pool
    if not request.config.getoption("--every-cell"):
        pytest.skip("an emulated arm64 machine takes its time: make e2e-full boots it")
    if lacks := ARM64_SECURE.missing():
        pytest.skip(f"missing on this machine: {lacks} (packaging/setup.sh test)")
    cache = state / "cache/arm64"
    whole = arm64.unpacked(cache)
    tree = state / "arm64"
    if not tree.is_dir():
        arm64.make_tree(whole, tree, cache)
    folders = [str(whole / "usr/lib" / name) for name in ("ipxe", "shim", "grub")]
    with NETWORKS["bridge"](False) as lan:
        settings = {**lan.settings, "LOADER_DIRS": json.dumps(folders)}
        with serving(state, replace(lan, settings=settings)) as service:
            service.have_image("tiny")
            service.call("POST", "/trees", {"name": "arm64", "source": str(tree)})
            yield service


@pytest.mark.parametrize("way", WAYS)
def test_a_machine_netboots_to_its_answer_file(way: str, arm: Service) -> None:
    row, name, mac = WAYS[way], f"plab-arm-{way}", MAC.format(list(WAYS).index(way))
    profile = f"arm64-{way}"
    arm.call("POST", "/profiles", {"name": profile, **PROFILE})
    arm.call("POST", "/machines", {"name": name, "mac": mac, "profile": profile, "loader": row.loader})

    with machine(row.board, arm.state / name, arm.lan.device, mac, arm.environment, *row.settings) as board:
        reach_the_answer(board, arm, name, row.said)

    assert list(arm.fetched(name)) == list(row.programs), arm.timeline(name)
    assert {"script.sent", "kernel.sent", "initrd.sent"} <= set(arm.kinds(name)), arm.timeline(name)
    arm.call("DELETE", f"/machines/{name}")
