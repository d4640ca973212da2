"""The workshop on real files: what is fetched, packed, added; and that a fault is one sentence."""

import asyncio
import base64
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid, Unavailable
from provisioner.plan.steps import FetchFile, MakeSeed, PrepareImage
from provisioner.service.workshop import Workshop

KERNEL = b"kernel " * 40_000
SECRET = "rootpw hunter2\n"


@dataclass
class Answer:
    status: int
    pieces: list[bytes | Exception]
    headers: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            await asyncio.sleep(0)
            if isinstance(piece, Exception):
                raise piece
            yield piece


@dataclass
class Mirror:
    """Answers by the file's path; `asked` remembers what was asked for."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Answer]:
        self.asked.append(f"{source}/{path}")
        if path not in self.answers:
            raise Unavailable(f"{source}/{path} does not answer")
        yield self.answers[path]


@dataclass
class Tools:
    """Packs by writing names and contents down; `broken` is what each tool raises."""

    broken: Exception | None = None
    prepared: list[Path] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def seed(self, label: str, files: Mapping[str, bytes]) -> bytes:
        self._work()
        return b"".join([label.encode(), *(f"|{name}=".encode() + data for name, data in files.items())])

    def inject(self, initrd: Path, files: Mapping[str, bytes]) -> None:
        self._work()
        with initrd.open("ab") as file:
            file.write(b"".join(f"|{name}=".encode() + data for name, data in files.items()))

    async def prepare(self, image: Path) -> None:
        if self.broken:
            raise self.broken
        self.prepared.append(image)

    def _work(self) -> None:
        self.threads.add(threading.get_ident())
        if self.broken:
            raise self.broken


@dataclass
class Shop:
    folder: Path
    mirror: Mirror = field(default_factory=Mirror)
    tools: Tools = field(default_factory=Tools)

    def __post_init__(self) -> None:
        self.workshop = Workshop(self.mirror.open, self.tools, self.folder)

    def fetch(self, path: str = "vmlinuz", **files: bytes) -> FetchFile:
        inject = tuple((name, base64.b64encode(data).decode()) for name, data in files.items())
        return FetchFile("http://mirror/el9", path, str(self.folder / "i1" / "kernel"), inject)

    def seed(self) -> MakeSeed:
        return MakeSeed("OEMDRV", str(self.folder / "i1" / "oemdrv.iso"), (("ks.cfg", SECRET),))

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "work")
    made.mirror.answers["vmlinuz"] = Answer(200, [KERNEL[:1000], KERNEL[1000:]])
    return made


async def test_a_file_is_fetched_whole(shop: Shop) -> None:
    await shop.workshop.apply(shop.fetch())

    assert (shop.folder / "i1/kernel").read_bytes() == KERNEL
    assert shop.mirror.asked == ["http://mirror/el9/vmlinuz"]


async def test_fetching_again_begins_anew(shop: Shop) -> None:
    (shop.folder / "i1").mkdir(parents=True)
    (shop.folder / "i1/kernel").write_bytes(b"half of an older, larger one" * 100_000)

    await shop.workshop.apply(shop.fetch())

    assert (shop.folder / "i1/kernel").read_bytes() == KERNEL


async def test_files_are_added_behind_it(shop: Shop) -> None:
    await shop.workshop.apply(shop.fetch(hosts=b"127.0.0.1\n", empty=b""))

    assert (shop.folder / "i1/kernel").read_bytes() == KERNEL + b"|hosts=127.0.0.1\n|empty="


async def test_a_seed_is_packed_and_read_by_nobody_else(shop: Shop) -> None:
    await shop.workshop.apply(shop.seed())

    file = shop.folder / "i1/oemdrv.iso"
    assert file.read_text() == f"OEMDRV|ks.cfg={SECRET}"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


async def test_an_image_is_prepared_where_it_is_kept(shop: Shop) -> None:
    await shop.workshop.apply(PrepareImage("/srv/cloud.raw.xz", "/cache/cccc.qcow2"))

    assert shop.tools.prepared == [Path("/srv/cloud.raw.xz")]
    assert not shop.folder.exists()


async def test_what_takes_long_holds_up_nobody(shop: Shop) -> None:
    await shop.workshop.apply(shop.fetch(hosts=b"x"))
    await shop.workshop.apply(shop.seed())

    assert threading.get_ident() not in shop.tools.threads


async def test_the_folder_of_an_install_goes_with_all_that_is_in_it(shop: Shop) -> None:
    await shop.workshop.apply(shop.fetch())
    await shop.workshop.apply(shop.seed())
    (shop.folder / "i2").mkdir()
    (shop.folder / "i2/kernel").touch()

    for install in ("i1", "i1", "never"):
        await shop.workshop.clear(install)

    assert shop.left() == ["i2", "i2/kernel"]


BROKEN: dict[str, tuple[Answer | None, type[Exception], str]] = {
    "a mirror that is away": (None, Unavailable, "http://mirror/el9/vmlinuz does not answer"),
    "a file that is not there": (Answer(404, []), Unavailable, "the tree http://mirror/el9 has no vmlinuz"),
    "a mirror that fails": (
        Answer(503, [b"sorry"]),
        Unavailable,
        "the tree http://mirror/el9 has no vmlinuz",
    ),
    "a transfer that breaks off": (
        Answer(200, [KERNEL, Unavailable("http://mirror/el9/vmlinuz ended early")]),
        Unavailable,
        "ended early",
    ),
    "a transfer that a system call ends": (
        Answer(200, [KERNEL, OSError(28, "No space left on device")]),
        Unavailable,
        "cannot be written: No space left on device",
    ),
}


@pytest.mark.parametrize(("answer", "error", "sentence"), BROKEN.values(), ids=BROKEN)
async def test_a_fetch_that_fails_is_one_sentence_and_clears_away(
    shop: Shop, answer: Answer | None, error: type[Exception], sentence: str
) -> None:
    shop.mirror.answers = {"vmlinuz": answer} if answer else {}

    with pytest.raises(error, match=sentence) as caught:
        await shop.workshop.apply(shop.fetch())
    await shop.workshop.clear("i1")

    assert "\n" not in str(caught.value)
    assert shop.left() == []


async def test_a_tool_that_refuses_says_why(shop: Shop) -> None:
    shop.tools.broken = Invalid("the label OEMDRVOEMDRVOEMDRV is too long")

    for step in (shop.seed(), shop.fetch(hosts=b"x"), PrepareImage("/a", "/b")):
        with pytest.raises(Invalid, match="label OEMDRVOEMDRVOEMDRV is too long"):
            await shop.workshop.apply(step)
    await shop.workshop.clear("i1")

    assert shop.left() == []


async def test_the_password_of_a_source_is_not_told(shop: Shop) -> None:
    shop.mirror.answers["vmlinuz"] = Answer(404, [])
    step = FetchFile("ftp://me:hunter2@mirror/el9", "vmlinuz", str(shop.folder / "i1/kernel"))

    with pytest.raises(Unavailable, match=r"ftp://me:\*\*\*@mirror/el9 has no vmlinuz") as caught:
        await shop.workshop.apply(step)

    assert "hunter2" not in str(caught.value)


async def test_a_folder_that_cannot_be_made_is_named(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file is in the way")

    for step in (shop.fetch(), shop.seed()):
        with pytest.raises(Unavailable, match=f"{tmp_path}/work/?.* cannot be written") as caught:
            await shop.workshop.apply(step)
        assert "\n" not in str(caught.value)
    await shop.workshop.clear("i1")


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/dev/full").exists(), reason="there is no /dev/full here")
async def test_a_full_disk_is_told(shop: Shop) -> None:
    (shop.folder / "i1").mkdir(parents=True)
    for name in ("kernel", "oemdrv.iso"):
        (shop.folder / "i1" / name).symlink_to("/dev/full")

    for step in (shop.fetch(), shop.seed()):
        with pytest.raises(Unavailable, match="cannot be written: No space left on device"):
            await shop.workshop.apply(step)


async def test_a_fetch_that_is_cancelled_is_over(shop: Shop) -> None:
    endless = asyncio.Event()

    class Slow(Answer):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield KERNEL
            await endless.wait()

    shop.mirror.answers["vmlinuz"] = Slow(200, [])
    fetching = asyncio.create_task(shop.workshop.apply(shop.fetch()))
    while not (shop.folder / "i1/kernel").exists():
        await asyncio.sleep(0.001)

    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    await shop.workshop.clear("i1")

    assert shop.left() == []
