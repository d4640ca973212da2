"""Files that are kept open: the same answer as long as they are the same, and none a second later."""

import asyncio
import os
from pathlib import Path

import pytest

from provisioner.mirror import hot
from provisioner.mirror.hot import Hot
from provisioner.mirror.stream import Stream
from provisioner.mirror.upstream import Upstream


class Place:
    """A folder, asked as the web asks."""

    def __init__(self, root: Path, now: list[float]) -> None:
        self.root = root
        self.now = now
        self.upstream = Upstream(None)  # type: ignore[arg-type]

    async def open(self, path: str = "file") -> int:
        async with self.upstream.open(str(self.root), path) as stream:
            return stream.status

    def hit(self, path: str = "file", asked: dict[str, str] | None = None) -> Stream | None:
        return self.upstream.hit(str(self.root), path, asked or {})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    now = [100.0]
    monkeypatch.setattr("provisioner.mirror.hot.time.monotonic", lambda: now[0])
    (tmp_path / "file").write_bytes(b"0123456789")
    return Place(tmp_path, now)


def sent(stream: Stream | None) -> bytes:
    assert stream is not None and stream.local is not None
    return b"".join(os.pread(stream.local.file.fileno(), size, at) for at, size in stream.local.runs)


async def test_only_what_was_opened_is_there_at_once_and_always_the_same(place: Place) -> None:
    assert place.hit() is None
    await place.open()

    first = place.hit()
    assert sent(first) == b"0123456789"
    assert place.hit() is first
    place.now[0] += 1.5
    assert place.hit() is first
    part = place.hit(asked={"Range": "bytes=2-4"})
    assert part is not None and part.status == 206
    assert sent(part) == b"234"


@pytest.mark.parametrize("change", ["replaced", "written", "removed", "grown"])
async def test_a_changed_file_is_not_there_a_second_later(place: Place, change: str) -> None:
    await place.open()
    file = place.root / "file"
    match change:
        case "replaced":
            (place.root / "new").write_bytes(b"0123456789")
            (place.root / "new").replace(file)
        case "written":
            os.utime(file, ns=(1, 1))
        case "removed":
            file.unlink()
        case _:
            file.write_bytes(b"0" * 11)
    place.now[0] += 1.5

    assert place.hit() is None


async def test_a_transfer_under_way_goes_on_in_the_file_that_was_opened(place: Place) -> None:
    await place.open()
    stream = place.hit()
    (place.root / "file").unlink()
    place.now[0] += 1.5
    assert place.hit() is None

    assert sent(stream) == b"0123456789"


async def test_so_many_are_kept_open_and_no_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "MOST", 3)
    for name in "abcde":
        (place.root / name).write_bytes(name.encode())
        await place.open(name)

    assert [place.hit(name) is not None for name in "abcde"] == [False, False, True, True, True]


async def test_what_nobody_asks_for_is_closed_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "OPEN_SECONDS", 0.05)
    (tmp_path / "file").write_bytes(b"x")
    place = Place(tmp_path, [])
    await place.open()
    stream = place.hit()
    assert stream is not None and stream.local is not None
    number = stream.local.file.fileno()
    del stream
    for _ in range(100):
        await asyncio.sleep(0.05)
        if place.hit() is None:
            break

    assert place.hit() is None
    with pytest.raises(OSError):
        os.fstat(number)


def test_nothing_is_kept_of_a_path_that_was_never_opened() -> None:
    assert Hot().hit("/", "etc/passwd", {}) is None
