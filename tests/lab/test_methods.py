"""Each method booted: by the tree's kernel, from a medium, from a disk image; to the report from its disk."""

import http.server
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.lab import cloud, iso
from tests.lab.ftpd import ftp_server
from tests.lab.networks import POOL, virsh
from tests.lab.nfsd import missing as missing_nfs
from tests.lab.nfsd import nfs_server
from tests.lab.service import Service, until
from tests.treeinfo import ROCKY

FIRMWARES = ("bios", "uefi")
WAYS = ("http", "ftp", "nfs", "iso-kernel", "iso-tree", "iso", "import", "cloud")
CHOSEN = {
    ("http", "bios"),
    ("ftp", "uefi"),
    ("nfs", "bios"),
    ("iso-kernel", "uefi"),
    ("iso-tree", "bios"),
    ("iso", "bios"),
    ("iso", "uefi"),
    ("import", "bios"),
    ("cloud", "uefi"),
}
"""One cell of each row, and both firmwares from a medium; `--every-cell` runs all."""
LABEL = "PLABTREE"
CACHE = Path(__file__).parent.parent.parent / ".cache/lab"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--every-cell")
    cells = [(way, fw) for way in WAYS for fw in FIRMWARES if every or (way, fw) in CHOSEN]
    metafunc.parametrize(("way", "firmware"), cells, ids=["-".join(cell) for cell in cells])


@contextmanager
def http_server(root: Path) -> Iterator[str]:
    """Somebody's plain web server."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def medium(service: Service) -> str:
    """An ISO of the mini installer's tree, in the service's media folder."""
    place = service.state / "media" / "mini.iso"
    if not place.exists():
        if packages := iso.missing():
            pytest.skip(f"missing on this machine: {packages} (make setup)")
        place.parent.mkdir(exist_ok=True)
        arguments = f"inst.stage2=hd:LABEL={LABEL} ip=dhcp inst.text console=tty0 console=ttyS0,115200 quiet"
        boot = iso.Boot("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", arguments)
        iso.write_iso(place, LABEL, service.state / "trees/mini", boot)
    return str(place)


def profile_of_a_dropped_iso(service: Service) -> str:
    """A profile for the tree that an ISO in the media folder is: the mini installer, which keeps Anaconda's
    boot contract, under the `.treeinfo` of Rocky Linux 9.
    """
    name = "plab-rocky"
    place = service.state / "media" / "Rocky-9.4-mini.iso"
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            root = Path(shutil.copytree(service.state / "trees/mini", Path(work) / "tree"))
            (root / ".treeinfo").write_text(ROCKY)
            iso.write_iso(place, "ROCKY-9-4", root)
        trees = {tree["name"]: tree for tree in service.call("GET", "/trees")}
        assert trees["rocky-9.4-mini"]["source"] == str(place)
        words = {"name": name, "family": "rhel", "tree": "rocky-9.4-mini", "image": "tiny", "memory": 1536}
        service.call("POST", "/profiles", {**words, "template": "image/ks.cfg.j2", "disk": 1})
    return name


def image(service: Service, name: str) -> str:
    """A disk image in the media folder: the real cloud-init's, or the disk of an installed tiny guest."""
    place = service.state / "media" / f"{name}.qcow2"
    if place.exists():
        return str(place)
    place.parent.mkdir(exist_ok=True)
    if name == "cloud":
        shutil.copy(cloud.build(CACHE / "cloud.qcow2", CACHE), place)
        return str(place)
    service.create("plab-golden", location="mini", disks=[f"size=1,pool={POOL}"])
    service.wait("plab-golden", 300, "first-boot")
    virsh("destroy", "plab-golden")
    virsh("vol-download", "--pool", POOL, volumes("plab-golden")[0], str(place))
    service.call("DELETE", "/guests/plab-golden")
    return str(place)


def volumes(guest: str) -> list[str]:
    """The names of a guest's volumes."""
    rows = virsh("vol-list", POOL).splitlines()
    return sorted(row.split()[0] for row in rows if row.strip().startswith(f"{guest}-"))


@contextmanager
def wishes(way: str, service: Service) -> Iterator[dict[str, object]]:
    """What a guest of this way is asked for with, while the server that it needs is there."""
    tree = service.have_mini()
    disk = {"disks": [f"size=1,pool={POOL}"]}
    match way:
        case "http":
            with http_server(tree) as url:
                yield {"location": url, **disk}
        case "ftp":
            with ftp_server(tree) as server:
                yield {"location": server.url, **disk}
        case "nfs":
            if packages := missing_nfs():
                pytest.skip(f"missing on this machine: {packages} (make setup)")
            with nfs_server(tree) as export:
                yield {"location": export.url, **disk}
        case "iso-kernel":
            yield {"location": medium(service), **disk}
        case "iso-tree":
            yield {"profile": profile_of_a_dropped_iso(service), **disk}
        case "iso":
            yield {"cdrom": medium(service), **disk}
        case "import":
            path = image(service, "tiny")
            yield {"method": "import", "profile": "", "disks": [f"{path},pool={POOL},linked=on"]}
        case _:
            path = image(service, "cloud")
            disks = [f"{path},pool={POOL},size=3"]
            seed: dict[str, object] = {"cloud_init": {}, "memory": 768, "vcpus": 2}
            yield {"method": "import", "profile": "", "disks": disks, **seed}


def test_a_guest_comes_up(nat: Service, way: str, firmware: str) -> None:
    name = f"plab-{way}-{firmware}"
    with wishes(way, nat) as asked:
        created = nat.create(name, boot=firmware, **asked)
        if way == "import":
            nat.wait(name, 30)
            until(
                lambda: "login" in nat.serial(name).read_text(errors="replace"), 120, f"{name} on its serial"
            )
        else:
            nat.wait(name, 420, "first-boot")

    kinds = nat.kinds(name)
    assert kinds.count("first-boot") == (way != "import")
    assert kinds.count("answer.served") == (way != "import")
    until(lambda: nat.call("GET", f"/guests/{name}")["state"] == "running", 30, f"{name} runs from its disk")
    disk = f"{name}-{created['install']['id']}"
    kept = [disk, f"{disk}-seed"] if way == "cloud" else [disk]
    until(lambda: volumes(name) == kept, 30, f"{name} has {kept} alone: {volumes(name)}")
    nat.call("DELETE", f"/guests/{name}")
    assert volumes(name) == []
