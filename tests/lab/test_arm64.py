"""UEFI on arm64, booted: by PXE and by HTTP, through shim and GRUB under Secure Boot, and through iPXE.

To the answer file. The machine is one that we did not create, known by its MAC address.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.lab import arm64
from tests.lab.networks import NETWORKS
from tests.lab.service import Service, serving, until

MAC = "52:54:00:a6:40:0{}"
NO_PXE = ("name=opt/org.tianocore/IPv4PXESupport,string=n", "name=opt/org.tianocore/IPv6PXESupport,string=n")
"""HTTP Boot stands behind both in the firmware's order."""


@dataclass(frozen=True, slots=True)
class Way:
    """`programs` are what the firmware fetches first, `said` what must stand on the serial line."""

    loader: str
    programs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    keys: str = arm64.NO_KEYS
    said: str = ""


_SIGNED = ("shimaa64.efi", "grubaa64.efi")
WAYS = {
    "pxe-grub": Way("grub", _SIGNED),
    "pxe-secure": Way("grub", _SIGNED, keys=arm64.MICROSOFT, said="secureboot: Secure boot enabled"),
    "http-ipxe": Way("ipxe", ("snponly-arm64.efi",), NO_PXE),
    "http-secure": Way("grub", _SIGNED, NO_PXE, keys=arm64.MICROSOFT, said="secureboot: Secure boot enabled"),
}
PROFILE = {"family": "image", "tree": "arm64", "template": "image/ks.cfg.j2", "image": "tiny"}


@pytest.fixture
def arm(state: Path, pool: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    del pool
    if not request.config.getoption("--every-cell"):
        pytest.skip("an emulated arm64 machine takes its time: make e2e-full boots it")
    if lacks := arm64.missing():
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

    with arm64.machine(
        arm.state / name, arm.lan.device, mac, arm.environment, *row.settings, keys=row.keys
    ) as machine:
        try:
            until(lambda: "mini installer on" in machine.said(), 240, "the mini installer's first word")
            kernel = machine.spent()
            assert row.said in machine.said()
            until(lambda: "answer.served" in arm.kinds(name), 120, "the answer file, served")
            print(f"{way}: kernel and init after {kernel}, answer file after {machine.spent()}")
        except (TimeoutError, AssertionError) as error:
            raise AssertionError(f"{error}\n{machine.said()[-4000:]}\n{_events(arm, name)}") from None

    sent = [
        event["text"].split()[0].rstrip(":") for event in arm.events(name) if event["kind"] == "loader.sent"
    ]
    assert sent == list(row.programs), _events(arm, name)
    assert {"script.sent", "kernel.sent", "initrd.sent"} <= set(arm.kinds(name)), _events(arm, name)
    arm.call("DELETE", f"/machines/{name}")


def _events(service: Service, name: str) -> str:
    lines = [f"{e['at']} {e['source']:8} {e['kind']:16} {e['text']}" for e in service.events(name)]
    return "\n".join([*lines, service.tail(20)])
