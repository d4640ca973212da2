"""A tree that is gone from its place is found in the archive that has it, and that is remembered and told."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.archives import Archives
from provisioner.mirror.origins import Origins
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from provisioner.service.recognition import ANYTHING, look
from tests.edges.mirror.origin import Origin, origin

RECORDED = Path(__file__).parents[2] / "data/trees/rhel/centos-7.6.1810"
BELOW = "7.6.1810/os/x86_64"
RELEASE = "dists/buster/Release"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Origin]:
    """A mirror whose `centos` has lost what its `centos-vault` has, and its `debian` one of two releases."""
    shutil.copytree(RECORDED, tmp_path / "www/centos-vault" / BELOW)
    for path in ("debian/dists/trixie/Release", f"debian-archive/debian/{RELEASE}", "debian/pool/new.deb"):
        _put(tmp_path / "www" / path, b"a file")
    _put(tmp_path / "www/debian-archive/debian/pool/old.deb", b"old")
    async with origin(tmp_path / "www") as made:
        yield made


def _put(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def of(client: ClientSession, file: Path | None = None, vault: str = "http://127.0.0.1:1") -> Origins:
    """`vault` is the maker's own archive."""
    return Origins(Upstream(client).open, archives=Archives(lambda _: (vault,), file))


async def got(made: Origins, source: str, path: str) -> tuple[int, bytes, str]:
    async with made.open(source, path) as stream:
        return stream.status, b"".join([piece async for piece in stream.chunks()]), stream.url


async def test_a_tree_is_found_in_the_archive_beside_it(
    client: ClientSession, server: Origin, tmp_path: Path
) -> None:
    source, vault = f"{server.url}/centos/{BELOW}", f"{server.url}/centos-vault/{BELOW}"
    made = of(client, tmp_path / "archives.json")
    body = (RECORDED / ".treeinfo").read_bytes()

    assert await got(made, source, ".treeinfo") == (200, body, f"{vault}/.treeinfo")
    assert made.archive(source) == vault
    assert [(move.source, move.part, move.to) for move in made.moves()] == [(source, "", vault)]
    assert (await got(made, source, "images/updates.img"))[0] == 404, "it never had that"

    again = of(client, tmp_path / "archives.json")
    asked = len(server.asked)
    assert (await got(again, source, ".treeinfo"))[0] == 200
    assert [one.path for one in server.asked[asked:]] == [f"/centos-vault/{BELOW}/.treeinfo"]


async def test_many_that_ask_at_once_look_for_it_once(client: ClientSession, server: Origin) -> None:
    source = f"{server.url}/centos/{BELOW}"
    made = of(client)
    found = await asyncio.gather(*(got(made, source, ".treeinfo") for _ in range(30)))

    assert {status for status, _, _ in found} == {200}
    assert server.count(f"/centos/{BELOW}/media.1/products") == 1


async def test_a_tree_that_is_there_is_never_looked_for_elsewhere(
    client: ClientSession, server: Origin, tmp_path: Path
) -> None:
    shutil.copytree(RECORDED, tmp_path / "www/centos" / BELOW)
    made = of(client)

    assert (await got(made, f"{server.url}/centos/{BELOW}", "images/updates.img"))[0] == 404
    assert not [one for one in server.asked if "vault" in one.path]
    assert made.moves() == []


async def test_the_maker_s_archive_is_asked_where_the_mirror_has_none(
    client: ClientSession, server: Origin, tmp_path: Path
) -> None:
    shutil.move(tmp_path / "www/centos-vault", tmp_path / "www/vault")
    source = f"{server.url}/centos/{BELOW}"
    made = of(client, vault=f"{server.url}/vault")

    assert (await got(made, source, ".treeinfo"))[2] == f"{server.url}/vault/{BELOW}/.treeinfo"
    assert made.archive(source) == f"{server.url}/vault/{BELOW}"


async def test_what_no_archive_has_is_absent(client: ClientSession, server: Origin) -> None:
    source = f"{server.url}/centos/7.0.1406/os/x86_64"
    made = of(client, vault=f"{server.url}/vault")

    assert await got(made, source, ".treeinfo") == (404, b"", "")
    assert made.moves() == []


async def test_a_server_that_is_away_is_stood_in_for_and_not_given_up(
    client: ClientSession, server: Origin
) -> None:
    source = f"http://127.0.0.1:1/centos/{BELOW}"
    made = of(client, vault=f"{server.url}/centos-vault")

    assert (await got(made, source, ".treeinfo"))[2] == f"{server.url}/centos-vault/{BELOW}/.treeinfo"
    assert made.moves() == []


async def test_without_a_network_one_sentence_says_so(client: ClientSession) -> None:
    source = "https://mirrors.invalid/centos/7.6.1810/os/x86_64"
    found = await look(Reader(of(client, vault="https://vault.invalid")), source, ANYTHING)

    assert isinstance(found.refusal, Unavailable)
    assert str(found.refusal).startswith(f"{source}/.")
    assert len(str(found.refusal).splitlines()) == 1


async def test_a_release_that_a_mirror_dropped_is_in_its_archive_with_its_packages(
    client: ClientSession, server: Origin
) -> None:
    source, archive = f"{server.url}/debian", f"{server.url}/debian-archive/debian"
    made = of(client)
    assert (await got(made, source, "pool/old.deb"))[0] == 404

    assert (await got(made, source, RELEASE))[2] == f"{archive}/{RELEASE}"
    assert (await got(made, source, "dists/trixie/Release"))[2] == f"{source}/dists/trixie/Release"
    assert (await got(made, source, "pool/old.deb"))[2] == f"{archive}/pool/old.deb"
    assert (await got(made, source, "pool/new.deb"))[2] == f"{source}/pool/new.deb"
    assert (await got(made, source, "pool/none.deb"))[0] == 404
    assert [(move.part, move.to) for move in made.moves()] == [("dists/buster", archive)]


async def test_a_tree_s_questions_say_that_it_was_found_in_an_archive(
    client: ClientSession, server: Origin
) -> None:
    source, vault = f"{server.url}/centos/{BELOW}", f"{server.url}/centos-vault/{BELOW}"
    made = of(client)
    found = await look(Reader(made, made.archive), source, ANYTHING)

    assert found.facts is not None
    assert (found.facts.family, found.facts.release) == ("rhel", "7")
    assert (found.probes[0].asked, found.probes[0].found, found.probes[0].says) == (
        source,
        "404",
        f"gone; read from its archive {vault}",
    )
