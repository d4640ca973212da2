"""Files that change while they are fetched, and wrong bytes: no client gets a mixture that ends well."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.edges.mirror.answer import Answer
from tests.edges.web.mirrored import Mirrored, mirrored

FULL = os.environ.get("TORTURE", "0") != "0"
TENTH = 1 if FULL else 10
SIZE = 300_000
OLD, NEW = random.Random(1).randbytes(SIZE), random.Random(2).randbytes(SIZE)
LATER = "Fri, 02 Jan 2026 00:00:00 GMT"


@pytest.fixture
async def mirror(tmp_path: Path, empty_database: Path) -> AsyncIterator[Mirrored]:
    async with mirrored(tmp_path, empty_database) as made:
        yield made


def answer(body: bytes = NEW, **wishes: Any) -> Answer:
    """The file in its other state."""
    return Answer(body, **{"etag": '"second"', "modified": LATER, **wishes})


SWAPS: dict[str, tuple[dict[str, Any], Answer]] = {
    "changed": ({}, answer()),
    "longer": ({}, answer(NEW + NEW)),
    "shorter, than what came": ({}, answer(NEW[:1000])),
    "changed, If-Range not looked at": ({}, answer(ranges="regardless")),
    "changed, ranges ignored": ({}, answer(ranges="ignored")),
    "changed, with a weak tag": ({"etag": 'W/"first"'}, answer(etag='W/"second"')),
    "changed, the weak tag not": ({"etag": 'W/"first"'}, answer(etag='W/"first"', modified="")),
    "changed, without a tag": ({"etag": ""}, answer(etag="")),
    "changed, within the same second": ({"etag": ""}, answer(etag="", modified=Answer().modified)),
    "changed, without a word": ({"etag": "", "modified": ""}, answer(etag="", modified="")),
}


@pytest.mark.parametrize("name", SWAPS)
async def test_torture_a_file_swapped_between_halves_is_never_mixed(mirror: Mirrored, name: str) -> None:
    chance = random.Random(name)
    wishes, after = SWAPS[name]
    for number in range(100 // TENTH):
        path, cut = f"{number}.rpm", chance.randrange(1, SIZE)
        mirror.origin.script[f"/{path}"] = [Answer(OLD, cut=cut, **wishes), after]
        for _ in range(3):
            taken = await mirror.take(path)
            assert not taken.whole or taken.status >= 500 or taken.body in (OLD, after.body), (number, cut)
    await mirror.at_rest()
    sizes = {known.size for known in mirror.kept().values()}
    assert sizes <= {len(OLD), len(after.body)}


@pytest.mark.parametrize("ranges", ["ignored", "shifted", "several", "right"])
async def test_torture_one_that_did_not_change_is_whole_however_it_goes_on(
    mirror: Mirrored, ranges: Any
) -> None:
    chance = random.Random(ranges)
    for number in range(100 // TENTH):
        path = f"{number}.rpm"
        mirror.origin.script[f"/{path}"] = [
            Answer(OLD, cut=chance.randrange(1, SIZE)),
            Answer(OLD, ranges=ranges),
        ]
        taken = await mirror.take(path)
        assert (taken.whole, taken.body == OLD) == (True, True), number


@pytest.mark.parametrize("ranges", ["regardless", "swapped"])
async def test_torture_what_is_vouched_for_is_right_though_the_upstream_lies_of_its_parts(
    mirror: Mirrored, ranges: Any
) -> None:
    """The same tag, another file: only the digest tells."""
    chance = random.Random(ranges)
    for number in range(100 // TENTH):
        path = f"{number}.rpm"
        mirror.truth.files[path] = OLD
        body = NEW if ranges == "regardless" else OLD
        lies = [Answer(OLD, cut=chance.randrange(1, SIZE)), Answer(body, ranges=ranges)]
        mirror.origin.script[f"/{path}"] = lies
        taken = await mirror.take(path)
        assert not taken.whole or taken.status >= 500 or taken.body == OLD, number
    await mirror.at_rest()
    assert all(len(OLD) == known.size for known in mirror.kept().values())


def flipped(chance: random.Random) -> Answer:
    body = bytearray(OLD)
    body[chance.randrange(SIZE)] ^= 1 << chance.randrange(8)
    return Answer(bytes(body))


def truncated(chance: random.Random) -> Answer:
    """It is whole as far as HTTP goes."""
    return Answer(OLD[: chance.randrange(SIZE)], framing=chance.choice(["length", "chunked", "close"]))


WRONG = {"flipped": (flipped, 200 // TENTH), "truncated": (truncated, 50 // TENTH)}


@pytest.mark.parametrize("name", WRONG)
async def test_torture_wrong_bytes_are_not_kept_and_never_end_well(mirror: Mirrored, name: str) -> None:
    spoil, count = WRONG[name]
    chance = random.Random(name)
    for number in range(count):
        path = f"{number}.rpm"
        mirror.truth.files[path] = OLD
        mirror.origin.script[f"/{path}"] = [spoil(chance)]
        taken = await mirror.take(path)
        assert not taken.whole or taken.status >= 500, number
        assert len(taken.body) < SIZE or taken.status >= 500
    await mirror.at_rest()
    assert mirror.kept() == {}
    mirror.origin.script = {f"/{path}": [Answer(OLD)] for path in mirror.truth.files}
    assert (await mirror.take("0.rpm")).body == OLD
