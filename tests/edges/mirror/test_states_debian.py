"""A Debian repository in several states, signed or not, as apt and debian-installer ask for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.edges.mirror.answer import Answer
from tests.edges.mirror.repositories import debian_repository, flip
from tests.edges.mirror.vouched import Mirror, mirror
from tests.unit.mirror.signing import Signer

S = "dists/stable"
INRELEASE, PACKAGES = f"{S}/InRelease", f"{S}/main/binary-amd64/Packages.xz"
LINUX = f"{S}/main/installer-amd64/current/images/netboot/linux"
OLD = {"apt_1_amd64.deb": b"apt 1" * 3000, "tar_1_amd64.deb": b"tar" * 3000}
NEW = {"apt_2_amd64.deb": b"apt 2" * 3000, "tar_1_amd64.deb": b"tar" * 3000}


@pytest.fixture
async def site(tmp_path: Path, client: ClientSession) -> AsyncIterator[Mirror]:
    async with mirror(tmp_path, client) as made:
        yield made


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Signer, Signer]]:
    folder = tmp_path_factory.mktemp("gpg")
    both = Signer(folder / "a"), Signer(folder / "b", "Stranger")
    yield both
    for signer in both:
        signer.close()


def _by_hash(site: Mirror, path: str) -> str:
    folder, _, _ = path.rpartition("/")
    return f"{folder}/by-hash/SHA256/{sha256((site.folder / path).read_bytes()).hexdigest()}"


async def test_a_signature_vouches_down_to_package_and_kernel(
    site: Mirror, signers: tuple[Signer, Signer]
) -> None:
    site.keys = signers[0].public
    pool = debian_repository(site.folder, OLD, signers[0])
    deb = pool["apt_1_amd64.deb"]

    assert await site.get(INRELEASE)
    assert await site.get(f"{S}/Release.gpg")
    assert await site.get(PACKAGES)
    assert await site.get(deb) == OLD["apt_1_amd64.deb"]
    assert await site.get(LINUX)

    said = {path: await site.known(path) for path in (INRELEASE, PACKAGES, deb, LINUX)}
    assert {known.signed for known in said.values()} == {signers[0].fingerprint}
    assert said[PACKAGES].by == INRELEASE
    assert said[deb].by == PACKAGES
    assert said[LINUX].by == f"{S}/main/installer-amd64/current/images/SHA256SUMS"
    assert site.states.told(site.source) == []


async def test_a_package_is_vouched_for_whichever_way_its_list_was_fetched(site: Mirror) -> None:
    pool = debian_repository(site.folder, OLD)
    await site.get(f"{S}/Release")
    await site.known(_by_hash(site, PACKAGES))
    deb = await site.known(pool["apt_1_amd64.deb"])

    assert (deb.by, deb.signed) == (PACKAGES, "")
    assert site.asked(PACKAGES) == 0
    assert "not signed for sure: there is no signature beside it" in site.states.told(site.source)[0]


async def test_a_list_that_is_just_coming_is_not_fetched_twice(site: Mirror) -> None:
    pool = debian_repository(site.folder, OLD)
    await site.get(f"{S}/Release")
    name = _by_hash(site, PACKAGES)
    site.origin.script[f"/{name}"] = [Answer((site.folder / name).read_bytes(), stall=10)]
    listed = asyncio.create_task(site.known(name))
    while not site.asked(name):
        await asyncio.sleep(0.01)
    package = asyncio.create_task(site.known(pool["apt_1_amd64.deb"]))
    await asyncio.sleep(0.1)
    site.origin.go_on.set()

    assert (await package).by == PACKAGES
    assert (await listed).by == f"{S}/Release"
    assert (site.asked(name), site.asked(PACKAGES)) == (1, 0)


async def test_a_package_is_vouched_for_though_nobody_asked_for_its_list(site: Mirror) -> None:
    pool = debian_repository(site.folder, OLD)
    await site.get(INRELEASE)
    await site.get(f"{S}/Release")

    assert (await site.known(pool["apt_1_amd64.deb"])).by == PACKAGES
    assert await site.get("pool/main/n/none_1_amd64.deb") is None


@pytest.mark.parametrize("what", ["stranger", "bad", "bad list", "bad package", "bad kernel"])
async def test_what_is_wrong(site: Mirror, signers: tuple[Signer, Signer], what: str) -> None:
    site.keys = signers[0].public
    pool = debian_repository(site.folder, OLD, signers[what == "stranger"])
    deb = pool["apt_1_amd64.deb"]
    match what:
        case "stranger":
            assert await site.get(INRELEASE)
            assert (await site.known(deb)).signed == ""
            assert "not known here" in site.states.told(site.source)[0]
        case "bad":
            text = (site.folder / INRELEASE).read_bytes()
            site.change(INRELEASE, text.replace(b"Origin: Debian", b"Origin: debian"))
            assert "is refused" in await site.refuses(INRELEASE)
            assert "is refused" in await site.refuses(PACKAGES)
            assert site.blamed
            assert site.kept() == {}
        case _:
            path = {"bad list": PACKAGES, "bad package": deb, "bad kernel": LINUX}[what]
            flip(site.folder / path)
            assert await site.get(INRELEASE)
            assert await site.refuses(path)
            assert path not in site.kept()


async def test_each_client_stays_in_its_state(site: Mirror, signers: tuple[Signer, Signer]) -> None:
    site.keys = signers[0].public
    debian_repository(site.folder, OLD, signers[0])
    first = await site.get(INRELEASE, "a")
    old = await site.get(PACKAGES, "a")
    await site.known(PACKAGES)
    pool = debian_repository(site.folder, NEW, signers[0], date=1_700_100_000)
    site.now += 700

    assert await site.get(INRELEASE, "b") != first
    assert await site.get(PACKAGES, "b") != old
    assert await site.get(pool["apt_2_amd64.deb"], "b") == NEW["apt_2_amd64.deb"]
    assert await site.get(INRELEASE, "a") == first
    assert await site.get(PACKAGES, "a") == old


async def test_a_release_in_two_halves_waits(site: Mirror) -> None:
    debian_repository(site.folder, OLD)
    (site.folder / INRELEASE).write_bytes((site.folder / f"{S}/Release").read_bytes())
    first = await site.get(INRELEASE)
    text = (site.folder / f"{S}/Release").read_bytes()
    debian_repository(site.folder, NEW, date=1_700_100_000)
    site.change(INRELEASE, (site.folder / f"{S}/Release").read_bytes())
    site.change(f"{S}/Release", text)
    site.now += 700

    assert await site.get(INRELEASE) == first
    assert "is being changed" in site.states.told(site.source)[-1]


async def test_a_suite_and_its_updates(site: Mirror) -> None:
    debian_repository(site.folder, OLD)
    pool = debian_repository(site.folder, {"apt_3_amd64.deb": b"3" * 5000}, suite="stable-updates")
    for suite in ("stable", "stable-updates"):
        await site.get(f"dists/{suite}/Release")
        await site.known(f"dists/{suite}/main/binary-amd64/Packages.xz")

    assert (await site.known(pool["apt_3_amd64.deb"])).by.startswith("dists/stable-updates/")


async def test_a_name_that_is_a_digest_is_its_own_witness(site: Mirror) -> None:
    name = f"{S}/main/binary-arm64/by-hash/SHA256/{sha256(b'x').hexdigest()}"
    site.change(name, b"y")
    assert await site.refuses(name)
    site.change(name, b"x")
    assert await site.get(name) == b"x"
