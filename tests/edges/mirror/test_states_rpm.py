"""A repository of RPMs in several states: whoever began in one stays there; what is wrong never ends well."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.mirror import states
from tests.edges.mirror.answer import Answer
from tests.edges.mirror.repositories import flip, rpm_repository
from tests.edges.mirror.vouched import Mirror, again, mirror
from tests.unit.mirror.signing import Signer

REPOMD = "repodata/repomd.xml"
A1, A2, B = "Packages/a-1.rpm", "Packages/a-2.rpm", "Packages/b-1.rpm"
OLD = {A1: b"a-1" * 5000, B: b"b" * 5000}
NEW = {A2: b"a-2" * 5000, B: b"rebuilt" * 700}


@pytest.fixture
async def site(tmp_path: Path, client: ClientSession) -> AsyncIterator[Mirror]:
    async with mirror(tmp_path, client) as made:
        yield made


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    made = Signer(tmp_path_factory.mktemp("gpg") / "home")
    yield made
    made.close()


async def test_each_client_stays_in_its_state(site: Mirror) -> None:
    old = rpm_repository(site.folder, OLD, 1)
    first = await site.get(REPOMD, "a")
    assert first and old["primary"].encode() in first
    assert await site.known(old["primary"], "a")
    assert (await site.known(B, "a")).size == len(OLD[B])

    new = rpm_repository(site.folder, NEW, 2)
    (site.folder / old["primary"]).unlink()
    (site.folder / A1).unlink()
    site.now += 700
    second = await site.get(REPOMD, "b")

    assert second and new["primary"].encode() in second
    assert await site.get(B, "b") == NEW[B]
    assert await site.get(A2, "b") == NEW[A2]
    assert await site.get(REPOMD, "a") == first
    assert await site.get(old["primary"], "a")
    assert await site.get(B, "a") == OLD[B]

    site.now += 3600
    assert await site.get(REPOMD, "a") == second
    assert await site.get(B, "a") == NEW[B]


async def test_what_was_used_is_there_before_the_new_state_is(site: Mirror) -> None:
    old = rpm_repository(site.folder, OLD, 1)
    await site.get(REPOMD)
    await site.known(old["primary"])
    new = rpm_repository(site.folder, NEW, 2)
    lists = {kind: (site.folder / path).read_bytes() for kind, path in new.items()}
    (site.folder / new["primary"]).unlink()

    site.now += 700
    assert old["primary"].encode() in (await site.get(REPOMD) or b"")
    assert "not there yet" in site.states.told(site.source)[-1]

    site.change(new["primary"], lists["primary"])
    assert old["primary"].encode() in (await site.get(REPOMD) or b"")
    site.now += 70
    assert new["primary"].encode() in (await site.get(REPOMD) or b"")
    assert site.asked(new["primary"]) == 2
    assert site.asked(new["filelists"]) == 0
    assert not [why for why in site.states.told(site.source) if "there yet" in why]


async def test_a_state_outlives_service_and_upstream(site: Mirror, client: ClientSession) -> None:
    old = rpm_repository(site.folder, OLD, 1)
    for path in (REPOMD, old["primary"], B):
        assert await site.known(path)
    await site.origin.stop()
    site.now += 700
    assert old["primary"].encode() in (await site.get(REPOMD) or b"")

    async with again(site, client) as later:
        assert old["primary"].encode() in (await later.get(REPOMD) or b"")
        assert await later.get(B) == OLD[B]
        assert (await later.known(B)).by == old["primary"]


async def test_an_unchanged_repository_is_asked_for_once_in_ten_minutes(site: Mirror) -> None:
    rpm_repository(site.folder, OLD, 1)
    await asyncio.gather(*(site.get(REPOMD, str(number)) for number in range(50)))
    assert site.asked(REPOMD) == 1

    site.now += 700
    await asyncio.gather(*(site.get(REPOMD, f"b{number}") for number in range(50)))
    assert site.asked(REPOMD) == 2
    assert site.origin.sent < 20_000


@pytest.mark.parametrize("which", ["package", "primary", "repomd"])
async def test_one_wrong_bit_breaks_the_transfer(site: Mirror, signer: Signer, which: str) -> None:
    site.keys = signer.public
    lists = rpm_repository(site.folder, OLD, 1, signer)
    path = {"package": B, "primary": lists["primary"], "repomd": REPOMD}[which]
    flip(site.folder / path)
    if which != "repomd":
        assert await site.get(REPOMD)

    assert await site.refuses(path)
    assert path not in site.kept()
    assert site.blamed or site.origins.health()[0].state == "aside"

    rpm_repository(site.folder, OLD, 1, signer)
    site.now += 70
    assert await site.get(path)
    assert (await site.known(path)).signed == signer.fingerprint


async def test_a_bit_that_is_wrong_later_changes_nothing(site: Mirror, signer: Signer) -> None:
    site.keys = signer.public
    rpm_repository(site.folder, OLD, 1, signer)
    first = await site.get(REPOMD)
    flip(site.folder / REPOMD)
    site.now += 700

    assert await site.get(REPOMD, "new") == first
    assert "is refused" in site.states.told(site.source)[-1]


async def test_a_signature_does_not_vanish(site: Mirror, signer: Signer) -> None:
    site.keys = signer.public
    rpm_repository(site.folder, OLD, 1, signer)
    first = await site.get(REPOMD)
    rpm_repository(site.folder, NEW, 2)
    (site.folder / f"{REPOMD}.asc").unlink()
    site.now += 700

    assert await site.get(REPOMD, "new") == first
    assert "was signed and is no more" in site.states.told(site.source)[-1]


async def test_a_mirror_that_is_behind_is_not_followed(site: Mirror) -> None:
    rpm_repository(site.folder, NEW, 2)
    first = await site.get(REPOMD)
    rpm_repository(site.folder, OLD, 1)
    site.now += 700
    assert await site.get(REPOMD, "new") == first
    assert "that mirror is behind" in site.states.told(site.source)[-1]

    site.now += 90_000
    assert await site.get(REPOMD, "late") != first


async def test_an_upstream_that_changed_meanwhile_is_not_to_blame(site: Mirror) -> None:
    rpm_repository(site.folder, OLD, 1)
    await site.get(REPOMD, "a")
    must = sha256(OLD[B]).hexdigest()
    assert not await site.states.doubt(site.source, B, must)
    rpm_repository(site.folder, NEW, 2)

    assert await site.states.doubt(site.source, B, must)
    assert await site.get(REPOMD, "a") == (site.folder / REPOMD).read_bytes()


async def test_a_list_that_changed_meanwhile_is_not_to_blame(site: Mirror) -> None:
    old = rpm_repository(site.folder, OLD, 1)
    await site.get(REPOMD, "a")
    rpm_repository(site.folder, NEW, 2)
    (site.folder / old["primary"]).write_bytes(b"something else")

    await site.refuses(old["primary"], "a")
    assert site.origins.health()[0].state == "ok"
    assert await site.get(REPOMD, "a") == (site.folder / REPOMD).read_bytes()
    assert await site.get(B, "a") == NEW[B]


async def test_a_repository_in_a_folder_is_found_by_its_package(site: Mirror) -> None:
    rpm_repository(site.folder / "AppStream", OLD, 1)
    path = f"AppStream/{B}"

    assert await site.get(path) == OLD[B]
    assert (await site.known(path)).by.startswith("AppStream/repodata/")
    assert await site.get("AppStream/nothing.rpm") is None
    assert await site.states.look(site.source, "elsewhere/x.rpm") is None


@pytest.mark.parametrize("data", [b"", b"<html>Log in</html>", b"x" * 5_000_000])
async def test_what_is_no_repository_vouches_for_nothing(site: Mirror, data: bytes) -> None:
    rpm_repository(site.folder, OLD, 1)
    site.change(REPOMD, data)

    assert await site.get(B) == OLD[B]
    assert (await site.known(B)).by == ""
    assert len(site.states.told(site.source)) == 1


async def test_an_upstream_that_stalls_is_not_waited_for(
    site: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_PATIENCE_SECONDS", 0.2)
    rpm_repository(site.folder, OLD, 1)
    first = await site.get(REPOMD)
    new = (site.folder / REPOMD).read_bytes() + b" "
    site.origin.script[f"/{REPOMD}"] = [Answer(new, etag='"2"', stall=10)]
    site.now += 700

    assert await site.get(REPOMD, "a") == first
    assert await site.get(REPOMD, "b") == first
    assert site.asked(REPOMD) == 2
    site.origin.go_on.set()
    async with asyncio.timeout(20):
        while await site.get(REPOMD) == first:
            await asyncio.sleep(0.05)


async def test_what_was_never_there_is_forgotten(site: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_ROOTS", 50)
    rpm_repository(site.folder, OLD, 1)
    await site.get(REPOMD)
    for number in range(120):
        assert await site.states.look(site.source, f"{number}/repodata/x.xml") is None

    assert len(site.states._entries[site.source]) <= 50
    assert await site.states.look(site.source, REPOMD) is not None


async def test_clients_are_forgotten(site: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_CLIENTS", 50)
    rpm_repository(site.folder, OLD, 1)
    for number in range(60):
        await site.states.look(site.source, REPOMD, str(number))
    (entry,) = (one for one in site.states._entries[site.source].values() if one.state)

    assert len(entry.pins) == 50
    site.now += 90_000
    await site.states.look(site.source, REPOMD, "late")
    assert list(entry.pins) == ["late"]
