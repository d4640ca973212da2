"""Real libvirt, QEMU and dnsmasq on networks of their own; one state directory and one pool for all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.alone import PREFIX, STATES, alone
from tests.lab.networks import NETWORKS, POOL, virsh
from tests.lab.service import Service, serving

HERE = Path(__file__).parent
FIRMWARES = {
    "bios-rom": {"boot": "bios", "rom": True},
    "uefi-rom": {"boot": "uefi", "rom": True},
    "uefi-edk2": {"boot": "uefi", "rom": False},
}
"""The network card's iPXE ROM under each firmware, and UEFI's own PXE client (then snponly.efi)."""
CHOSEN = {("isolated", "bios-rom"), ("nat", "uefi-rom"), ("bridge", "uefi-edk2"), ("macvtap", "bios-rom")}
"""One cell of each row, every firmware in it; `--every-cell` runs all twelve."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-cell", action="store_true", help="every network with every firmware")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" not in metafunc.fixturenames:
        return
    every = metafunc.config.getoption("--every-cell")
    cells = [(net, fw) for net in NETWORKS for fw in FIRMWARES if every or (net, fw) in CHOSEN]
    metafunc.parametrize("cell", cells, ids=["-".join(cell) for cell in cells])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session", autouse=True)
def _able() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("real boots need root: bridges, namespaces, ports below 1024")
    missing = [tool for tool in ("virsh", "ip", "dnsmasq", "qemu-system-x86_64") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"missing on this machine: {', '.join(missing)} (make setup)")
    with alone():
        yield


@pytest.fixture(scope="session")
def state(_able: None) -> Iterator[Path]:
    """Below /var/lib, because libvirt's QEMU user has to enter it."""
    place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=STATES))
    place.chmod(0o755)
    kept = HERE.parent.parent / ".cache/lab"
    kept.mkdir(parents=True, exist_ok=True)
    (place / "cache").symlink_to(kept)  # the mini installer's kernel package is fetched once
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="session")
def pool(state: Path) -> Iterator[str]:
    target = state / "pool"
    target.mkdir()
    virsh("pool-create-as", POOL, "dir", "--target", str(target))
    yield POOL
    virsh("pool-destroy", POOL, check=False)


def _serve(state: Path, network: str, rom: bool) -> Iterator[Service]:
    with NETWORKS[network](rom) as lan, serving(state, lan) as service:
        service.have_image("tiny")
        yield service


@pytest.fixture
def nat(state: Path, pool: str) -> Iterator[Service]:
    """The service beside libvirt's own DHCP server on a NAT network."""
    del pool
    yield from _serve(state, "nat", True)


@pytest.fixture
def served(cell: tuple[str, str], state: Path, pool: str) -> Iterator[Service]:
    """The service on the network of one cell."""
    del pool
    network, firmware = cell
    yield from _serve(state, network, bool(FIRMWARES[firmware]["rom"]))
