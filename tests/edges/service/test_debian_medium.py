"""The lab's medium of Debian, without packages: what it is, is read from its ISO alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.mirror.client import session
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from provisioner.service.recognition import Wanted, look
from tests.lab import debian_medium
from tests.lab.debian_mirror import IMAGES
from tests.lab.iso import write_iso

RELEASE = b"Origin: Debian\nSuite: stable\nCodename: trixie\nArchitectures: amd64\nComponents: main\n"
MIRROR = {
    "dists/trixie/Release": RELEASE,
    f"{IMAGES}/linux": b"a kernel",
    f"{IMAGES}/initrd.gz": b"an initrd",
    "pool/main/apt_3.0.3_amd64.deb": b"a package",
}


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    async with session() as client:
        yield Reader(Upstream(client))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folders that become the ISO."""
    mirror, root = tmp_path / "mirror", tmp_path / "root"
    for path, data in MIRROR.items():
        (mirror / path).parent.mkdir(parents=True, exist_ok=True)
        (mirror / path).write_bytes(data)
    (mirror / "dists/stable").symlink_to("trixie")
    debian_medium.lay_out(mirror, root)
    return root


async def test_the_installer_is_found_where_the_medium_has_it(
    reader: Reader, root: Path, tmp_path: Path
) -> None:
    iso = str(write_iso(tmp_path / debian_medium.FILE, debian_medium.LABEL, root))

    facts = (await look(reader, iso, Wanted())).tree()

    folder = debian_medium.NETBOOT
    assert (facts.family, facts.release, facts.arch) == ("debian", "13", "x86_64")
    assert (facts.kernel, facts.initrd) == (f"{folder}/linux", f"{folder}/initrd.gz")
    assert await reader.read(iso, facts.kernel) == MIRROR[f"{IMAGES}/linux"]
    assert await reader.read(iso, "dists/stable/Release") == RELEASE
    assert await reader.read(iso, "pool/main/apt_3.0.3_amd64.deb") == b"a package"


async def test_a_published_medium_lacks_it_and_that_is_said(
    reader: Reader, root: Path, tmp_path: Path
) -> None:
    for file in ("linux", "initrd.gz"):
        (root / debian_medium.NETBOOT / file).unlink()
    iso = str(write_iso(tmp_path / debian_medium.FILE, debian_medium.LABEL, root))

    with pytest.raises(Unavailable, match=f"{debian_medium.NETBOOT}/linux is missing") as refusal:
        (await look(reader, iso, Wanted())).tree()

    assert "no installer for the network" in refusal.value.remedy
