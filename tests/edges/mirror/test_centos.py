"""The tree that this project began with, CentOS 7.6.1810 as its mirrors have it, by every way to read it.

`tests/data/trees/rhel/centos-7.6.1810` has that tree's names; its large files are stubs of a line each.
"""

import hashlib
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from provisioner.core.errors import Unavailable
from provisioner.core.source import normalise
from provisioner.distros.base import TreeFacts
from provisioner.distros.detect import PROBES, detect
from provisioner.mirror.client import session
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from provisioner.service.recognition import Wanted, look
from tests.lab.iso import write_iso

RECORDED = Path(__file__).parents[2] / "data/trees/rhel/centos-7.6.1810"
BELOW = "centos/7.6.1810/os/x86_64"
FACTS = TreeFacts(
    "rhel", "7", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", parts=("LiveOS/squashfs.img",)
)
KINDS = ("directory", "iso", "http", "https", "ftp", "nfs")
NAMES = sorted(str(path.relative_to(RECORDED)) for path in RECORDED.rglob("*") if path.is_file())


@pytest.fixture(scope="session")
def mirror(shared: Path) -> Path:
    """The folder that a mirror's server hands out."""
    root = shared / "centos-mirror"
    shutil.copytree(RECORDED, root / BELOW)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return root


@pytest.fixture
async def http(mirror: Path) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_static("/", mirror)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


@pytest.fixture
async def https(mirror: Path, certificate: Path) -> AsyncIterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    app = web.Application()
    app.router.add_static("/", mirror)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    yield str(server.make_url("/")).rstrip("/")
    await server.close()


@pytest.fixture
async def trusting(certificate: Path) -> AsyncIterator[Upstream]:
    """A client that knows the mirror's certificate."""
    context = ssl.create_default_context(cafile=str(certificate))
    async with session(TCPConnector(ssl=context)) as client:
        yield Upstream(client)


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, mirror: Path, tmp_path: Path) -> str:
    match request.param:
        case "directory":
            return str(mirror / BELOW)
        case "iso":
            return str(
                write_iso(tmp_path / "CentOS-7-x86_64-DVD-1810.iso", "CentOS 7 x86_64", mirror / BELOW)
            )
        case "http" | "https" as kind:
            return normalise(f"{request.getfixturevalue(kind)}/{BELOW}/")
        case kind:
            return normalise(f"{request.getfixturevalue(kind).url}/{mirror.name}/{BELOW}/")


async def test_it_is_known_for_what_it_is(trusting: Upstream, source: str) -> None:
    reader = Reader(trusting)
    files = {path: data for path in PROBES if (data := await reader.read(source, path)) is not None}

    assert detect(files) == FACTS
    assert await reader.exists(source, FACTS.kernel)
    assert await reader.exists(source, FACTS.initrd)
    assert not await reader.exists(source, "images/updates.img")


async def test_it_is_recognised_whole_by_every_protocol(trusting: Upstream, source: str) -> None:
    found = await look(Reader(trusting), source, Wanted(verify=True))

    assert found.tree() == FACTS
    assert len(found.probes) <= 10


async def test_every_file_of_it_is_read(trusting: Upstream, source: str) -> None:
    reader = Reader(trusting)

    assert {name: await reader.read(source, name) for name in NAMES} == {
        name: (RECORDED / name).read_bytes() for name in NAMES
    }


async def test_its_packages_are_found_as_dnf_finds_them(trusting: Upstream, source: str) -> None:
    reader = Reader(trusting)
    text = await reader.read(source, "repodata/repomd.xml")
    assert text is not None
    space = "{http://linux.duke.edu/metadata/repo}"
    entry = ElementTree.fromstring(text).find(f"{space}data")
    assert entry is not None
    location, checksum = entry.find(f"{space}location"), entry.find(f"{space}checksum")
    assert location is not None
    assert checksum is not None
    primary = await reader.read(source, location.get("href", ""))

    assert hashlib.sha256(primary or b"").hexdigest() == checksum.text


async def test_a_certificate_that_nobody_vouches_for_is_refused(client: ClientSession, https: str) -> None:
    with pytest.raises(
        Unavailable, match=f"{https}/{BELOW}/.treeinfo cannot be read: .*certificate verify failed"
    ):
        await Reader(Upstream(client)).read(f"{https}/{BELOW}", ".treeinfo")
