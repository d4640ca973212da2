"""What is kept is counted, read again and removed; what has changed on disk is found, wherever it lies."""

import os
import random
import time
from contextlib import aclosing
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.core.mirror import Census, Checked
from provisioner.mirror.objects import Known, Objects, mark_used
from provisioner.mirror.stock import Stock

ONE, OTHER = "http://one.example/os", "http://other.example/os"
BY = {"by": "repodata/primary.xml.gz", "signed": "AB" * 20}


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "mirror")


@pytest.fixture
def stock(objects: Objects, tmp_path: Path) -> Stock:
    return Stock(objects, tmp_path / "mirror")


def keep(objects: Objects, source: str, path: str, body: bytes, **more: str) -> Path:
    part = objects.part(source, path)
    with part.file:
        part.file.write(body)
        part.keep(Known(source, path, len(body), sha256(body).hexdigest(), **more))
    found = objects.find(source, path)
    assert found is not None
    with found:
        return found.place


async def checked(stock: Stock, source: str = "", after: str = "") -> list[Checked]:
    return [item async for item in stock.check(source, after=after)]


async def test_what_is_kept_is_counted_by_source(objects: Objects, stock: Stock) -> None:
    keep(objects, ONE, "a.rpm", b"a" * 10, **BY)
    keep(objects, ONE, "b.rpm", b"b" * 5, by="repodata/primary.xml.gz")
    keep(objects, ONE, "c", b"")
    keep(objects, OTHER, "a.rpm", b"z")

    assert await stock.census(ONE) == Census(3, 15, 2, {"AB" * 20: 1})
    assert await stock.census("http://nobody.example") == Census()
    assert await stock.paths(ONE) == {
        "a.rpm": {(10, sha256(b"a" * 10).hexdigest())},
        "b.rpm": {(5, sha256(b"b" * 5).hexdigest())},
        "c": {(0, sha256(b"").hexdigest())},
    }


async def test_every_flipped_bit_and_every_cut_is_found(objects: Objects, stock: Stock) -> None:
    dice = random.Random(7)
    places = {f"{n}.rpm": keep(objects, ONE, f"{n}.rpm", dice.randbytes(3000), **BY) for n in range(60)}
    flipped, cut = [f"{n}.rpm" for n in range(20)], [f"{n}.rpm" for n in range(20, 30)]
    for path in flipped:
        data = bytearray(places[path].read_bytes())
        data[dice.randrange(3000)] ^= 1 << dice.randrange(8)
        places[path].write_bytes(data)
    for path in cut:
        os.truncate(places[path], dice.randrange(3000))

    found = await checked(stock)

    broken = {item.place for item in found if item.verdict == "broken"}
    assert broken == {str(places[path]).partition("mirror/")[2] for path in (*flipped, *cut)}
    assert {item.path for item in found if item.verdict == "sound"} == {f"{n}.rpm" for n in range(30, 60)}
    assert {item.reason for item in found} == {
        "",
        "it is not whole",
        "its bytes are not those that were kept",
    }


async def test_a_large_file_is_read_to_its_last_byte(objects: Objects, stock: Stock) -> None:
    body = bytes(9 * 1024 * 1024 + 5)
    place = keep(objects, ONE, "iso", body, **BY)
    keep(objects, ONE, "a.rpm", b"a", **BY)
    assert [item.verdict for item in await checked(stock)] == ["sound", "sound"]
    with place.open("r+b") as file:
        file.seek(len(body) - 1)
        file.write(b"x")

    assert {item.path: item.verdict for item in await checked(stock)} == {"iso": "broken", "a.rpm": "sound"}


async def test_what_nothing_vouches_for_is_not_called_sound(objects: Objects, stock: Stock) -> None:
    keep(objects, ONE, "notes.txt", b"text")

    (item,) = await checked(stock, ONE)
    assert (item.path, item.size, item.verdict) == ("notes.txt", 4, "unverified")


async def test_a_check_goes_on_where_another_ended(objects: Objects, stock: Stock) -> None:
    for n in range(9):
        keep(objects, ONE if n % 2 else OTHER, f"{n}", b"x")
    whole = await checked(stock)
    async with aclosing(stock.check()) as begun:
        part = [await anext(begun) for _ in range(4)]
    await stock.remember(part[-1].place)

    assert part + await checked(stock, after=await stock.reached()) == whole
    assert await checked(stock, after=whole[-1].place) == []


async def test_a_check_keeps_its_rate(objects: Objects, stock: Stock) -> None:
    keep(objects, ONE, "big", bytes(200_000))
    began = time.monotonic()
    assert [item.verdict async for item in stock.check(rate=1_000_000)] == ["unverified"]

    assert time.monotonic() - began >= 0.9 * 200_000 / 1_000_000


async def test_a_look_at_all_makes_nothing_new(objects: Objects, stock: Stock) -> None:
    """What was handed out longest ago goes first where room is needed: reading must not change that."""
    old = keep(objects, ONE, "old", b"x")
    os.utime(old, (1000, 2000))
    found = objects.find(ONE, "old")
    assert found is not None
    with found:
        pass
    await stock.census(ONE)
    await checked(stock)

    assert (old.stat().st_atime, old.stat().st_mtime) == (1000, 2000)


async def test_what_was_not_asked_for_lately_is_cleaned_away(objects: Objects, stock: Stock) -> None:
    for name, age in (("old", 100), ("new", 10)):
        place = keep(objects, ONE, name, b"x" * 7)
        os.utime(place, (time.time() - age, 0))
    found = objects.find(ONE, "new")
    assert found is not None
    with found:
        mark_used(found)

    assert await stock.clean(ONE, time.time() - 50) == (1, 7)
    assert list(await stock.paths(ONE)) == ["new"]
    objects.forget(ONE)
    assert await stock.census(ONE) == Census()


async def test_one_broken_file_is_dropped_alone(objects: Objects, stock: Stock) -> None:
    keep(objects, ONE, "a", b"a")
    place = keep(objects, ONE, "b", b"b")
    place.write_bytes(b"B" + place.read_bytes()[1:])
    (broken,) = [item for item in await checked(stock) if item.verdict == "broken"]
    await stock.drop(broken.place)

    assert list(await stock.paths(ONE)) == ["a"]
