"""A guest reads trees by HTTP wherever they are: the true readers behind `/tree/`, with ranges and events."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from provisioner.core.install import Install, Kind
from provisioner.core.profile import Tree
from provisioner.mirror.client import session
from provisioner.mirror.listing import Listings
from provisioner.mirror.upstream import Upstream
from tests.edges.web.world import World
from tests.lab import ftpd, nfsd
from tests.lab.iso import write_iso

BODY = os.urandom(1_000_000)
KINDS = ("iso", "ftp", "nfs")


@pytest.fixture
async def world(tmp_path: Path, empty_database: Path) -> AsyncIterator[World]:
    made = World(tmp_path, empty_database)
    async with session() as client:
        files = Upstream(client)
        listing = Listings(files.open, files.isos).list
        made.services = replace(made.services, files=files, listing=listing)
        async with made:
            yield made


@pytest.fixture
def root() -> Iterator[Path]:
    """Where the FTP server's own user may enter, unlike pytest's folder."""
    above = Path(tempfile.mkdtemp(prefix="sources-"))
    above.chmod(0o755)
    place = above / "os"
    place.mkdir()
    (place / "vmlinuz").write_bytes(b"k" * 5000)
    (place / "initrd").write_bytes(BODY)
    (place / "a b+c%d.rpm").write_bytes(b"odd")
    (above / "secret").write_bytes(b"SECRET")
    yield place
    shutil.rmtree(above)


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Iterator[str]:
    kind = request.param
    missing = {"iso": lambda: "", "ftp": ftpd.missing, "nfs": nfsd.missing}[kind]()
    if missing or (kind != "iso" and os.geteuid() != 0):
        pytest.skip(f"needs root and {missing or kind}")
    with ExitStack() as stack:
        match kind:
            case "iso":
                yield str(write_iso(tmp_path / "os.iso", "OS", root))
            case "ftp":
                yield stack.enter_context(ftpd.ftp_server(root)).url
            case _:
                yield stack.enter_context(nfsd.nfs_server(root)).url


@pytest.fixture
async def install(world: World, source: str) -> Install:
    """Its machine has spoken from this address; it installs from the tree."""
    await world.store.put_tree(Tree("t", source, "rhel", "7", "vmlinuz", "initrd"))
    made = await world.install()
    await world.store.bind(made.id, "127.0.0.1")
    return made


async def test_files_and_their_parts_come_by_http(world: World, install: Install) -> None:
    status, body, headers = await world.get("/tree/t/initrd")
    assert (status, body) == (200, BODY)
    assert (headers["Accept-Ranges"], headers["Content-Length"]) == ("bytes", str(len(BODY)))

    cases = {
        "bytes=10-19": (206, BODY[10:20]),
        "bytes=999990-": (206, BODY[999_990:]),
        "bytes=-5": (206, BODY[-5:]),
        "bytes=1000000-": (416, b""),
    }
    for asked, expected in cases.items():
        assert (await world.get("/tree/t/initrd", headers={"Range": asked}))[:2] == expected
    assert (await world.get("/tree/t/a%20b+c%25d.rpm"))[:2] == (200, b"odd")
    status, body, headers = await world.get("/tree/t/initrd", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(BODY)))


async def test_a_file_that_was_not_changed_is_not_sent_again(
    world: World, install: Install, source: str
) -> None:
    _, _, headers = await world.get("/tree/t/initrd")
    if source.startswith("nfs:"):
        assert "ETag" not in headers  # nothing tells when it was changed
        return
    tag = headers["ETag"]

    assert (await world.get("/tree/t/initrd", headers={"If-None-Match": tag}))[:2] == (304, b"")
    asked = {"Range": "bytes=5-9", "If-Range": tag}
    assert (await world.get("/tree/t/initrd", headers=asked))[:2] == (206, BODY[5:10])
    asked = {"Range": "bytes=5-9", "If-Range": '"another"'}
    assert (await world.get("/tree/t/initrd", headers=asked))[:2] == (200, BODY)


async def test_an_iso_itself_is_below_it_and_below_nothing_else(
    world: World, install: Install, source: str
) -> None:
    status, body, _ = await world.get("/tree/t/medium.iso")

    if source.endswith(".iso"):
        assert (status, body) == (200, Path(source).read_bytes())
    else:
        assert status == 404


async def test_what_is_sent_becomes_events(world: World, install: Install) -> None:
    await world.get("/tree/t/vmlinuz")
    await world.get("/tree/t/initrd")

    event = (await world.until(Kind.INITRD_SENT))[0]
    assert event.install == install.id
    assert event.data == {
        "part": "initrd",
        "n": 1,
        "bytes": len(BODY),
        "total": len(BODY),
        "path": "initrd",
        "percent": 19,
    }
    assert Kind.KERNEL_SENT in await world.kinds(install.id)


PATHS = ("nothing", "../secret", "..%2fsecret", "%2e%2e%2fsecret", "x%0d%0aDELE%20y", "x%00", "a?b", "%3fb")


async def test_nothing_else_is_there(world: World, install: Install) -> None:
    for path in PATHS:
        status, body, _ = await world.get(f"/tree/t/{path}")
        assert status in (400, 404), path
        assert b"SECRET" not in body


async def test_a_kernel_that_is_missing_is_said_a_probe_is_not(
    world: World, install: Install, source: str
) -> None:
    await world.store.put_tree(Tree("t", source, "rhel", "7", "boot/vmlinuz", "initrd"))

    assert (await world.get("/tree/t/images/updates.img"))[0] == 404
    assert Kind.TREE_FAILED not in await world.kinds()
    assert (await world.get("/tree/t/boot/vmlinuz"))[0] == 404
    assert (await world.until(Kind.TREE_FAILED))[0].text == f"{source}/boot/vmlinuz is not there"


async def test_a_password_is_in_no_answer_and_no_event(world: World) -> None:
    secret = "ftp://me:hunter2@127.0.0.1:1/os"
    await world.store.put_tree(Tree("far", secret, "rhel", "7", "vmlinuz", "initrd"))
    install = await world.install()
    await world.store.bind(install.id, "127.0.0.1")

    status, body, _ = await world.get("/tree/far/vmlinuz")
    event = (await world.until(Kind.TREE_FAILED))[0]
    sayings = [body.decode(), event.text, str(event.data)]
    sayings.append(str(await world.ask("GET", "/api/v1/trees")))
    sayings.append(str(await world.ask("GET", "/api/v1/trees/far")))
    sayings.append(str(await world.ask("POST", "/api/v1/trees", {"name": "new", "source": secret})))

    assert status == 502
    assert event.text == "ftp://me:***@127.0.0.1:1/os/vmlinuz cannot be read: the connection is refused"
    assert [text for text in sayings if "***" not in text] == []
    assert [text for text in sayings if "hunter2" in text] == []
    assert (await world.store.tree("far")).source == secret


async def test_a_transfer_that_breaks_never_ends_well(world: World, root: Path) -> None:
    if ftpd.missing() or os.geteuid() != 0:
        pytest.skip("needs root and vsftpd")
    with ftpd.ftp_server(root, rate=200_000) as server:
        await world.store.put_tree(Tree("t", server.url, "rhel", "7", "vmlinuz", "initrd"))
        install = await world.install()
        await world.store.bind(install.id, "127.0.0.1")
        with pytest.raises(aiohttp.ClientError):
            async with world.session.get(f"{world.guest_root}/tree/t/initrd") as response:
                async for _ in response.content.iter_any():
                    server.kill()

    assert f"{server.url}/initrd broke off after" in (await world.until(Kind.TREE_FAILED))[0].text
