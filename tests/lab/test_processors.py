"""An x86-64 machine whose tree is for arm64: told so by DHCP, and by its script where DHCP is another's."""

from pathlib import Path

import pytest

from provisioner.media import mini, treeinfo
from tests.lab.hardware import X64, machine
from tests.lab.networks import NETWORKS
from tests.lab.service import serving

# By network: the event, and who was asked in vain.
DOORS = {
    "bridge": ("dhcp.ignored", "uefi firmware starts kernels of x86_64 alone"),
    "isolated": ("answer.refused", "an iPXE for x86_64 starts kernels of x86_64 or i386 alone"),
}
PROFILE = {"family": "image", "tree": "plab-foreign", "template": "image/ks.cfg.j2", "image": "tiny"}
MAC = "52:54:00:64:00:0{}"


def foreign_tree(place: Path) -> Path:
    """What looks like a tree for arm64; nothing of it is started."""
    if not place.is_dir():
        (place / "images/pxeboot").mkdir(parents=True)
        for file in (treeinfo.KERNEL, treeinfo.INITRD):
            (place / file).write_bytes(b"arm64")
        treeinfo.write(place, mini.NAME, mini.SHORT, "1", "aarch64")
    return place


@pytest.mark.parametrize("network", DOORS)
def test_a_machine_of_another_processor_is_told_so(
    network: str, state: Path, pool: str, request: pytest.FixtureRequest
) -> None:
    del pool
    if not request.config.getoption("--every-cell"):
        pytest.skip("make e2e-full boots it")
    if lacks := X64.missing():
        pytest.skip(f"missing on this machine: {lacks} (packaging/setup.sh test)")
    kind, reason = DOORS[network]
    name, mac = f"plab-foreign-{network}", MAC.format(3 + list(DOORS).index(network))
    with NETWORKS[network](False) as lan, serving(state, lan) as service:
        service.have_image("tiny")
        service.call(
            "POST", "/trees", {"name": "plab-foreign", "source": str(foreign_tree(state / "foreign"))}
        )
        service.call("POST", "/profiles", {"name": name, **PROFILE})
        service.call("POST", "/machines", {"name": name, "mac": mac, "profile": name})

        with machine(X64, state / name, lan.device, mac, service.environment):
            service.wait_for(name, kind, 120)

        why = service.call("GET", f"/installs/{name}/why")
        assert why["cause"].endswith(f"its install is for aarch64, and {reason}"), service.timeline(name)
        assert "whose tree is for its processor" in why["remedy"]
        assert not {"kernel.sent", "initrd.sent"} & set(service.kinds(name))
        service.call("DELETE", f"/machines/{name}")
        service.call("DELETE", f"/profiles/{name}")
