"""What is kept of trees: told, switched, fetched ahead, checked, mended. The stock on disk is true."""

import asyncio
from contextlib import aclosing
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.core.digest import Expected
from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.mirror import Checked, Listed
from provisioner.core.profile import Tree
from provisioner.service.mirror import Mirror, Verified
from provisioner.service.mirror_rules import Rules
from provisioner.service.mirror_sync import Progress
from tests.fake_mirror import FakeCounts, FakeHealth, FakeMirror
from tests.fakes import FakeClock

SOURCE, SECRET = "http://m.example/os", "ftp://me:hunter2@far.example/os"
A, B, C = b"a" * 100, b"b" * 50, b"c" * 7


class Book:
    """Trees by name, and the rules that follow them."""

    def __init__(self, switch: Path, *trees: Tree) -> None:
        self.kept = {tree.name: tree for tree in trees}
        self.rules = Rules(self, switch)

    async def trees(self) -> list[Tree]:
        return list(self.kept.values())

    async def list(self) -> list[Tree]:
        return await self.trees()

    async def get(self, name: str) -> Tree:
        if name not in self.kept:
            raise NotFound(f"no tree is called {name!r}")
        return self.kept[name]

    async def put(self, tree: Tree) -> None:
        self.kept[tree.name] = tree
        await self.rules.refresh()


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(
        tmp_path / "offline",
        Tree("el", SOURCE, "rhel", "9", mirrors=("http://second.example/os",)),
        Tree("far", SECRET),
        Tree("iso", "/srv/dvd.iso"),
    )


@pytest.fixture
async def fake(book: Book, tmp_path: Path) -> FakeMirror:
    await book.rules.refresh()
    fake = FakeMirror(tmp_path / "mirror", book, book.rules, FakeClock())
    fake.cache.upstream = {(SOURCE, "a.rpm"): A, (SOURCE, "b.rpm"): B, (SOURCE, "repomd.xml"): C}
    fake.cache.by = {"a.rpm": "primary", "b.rpm": "primary"}
    fake.contents.basics = [Listed("repomd.xml", changes=True)]
    fake.contents.more = [expected("a.rpm", A), expected("b.rpm", B)]
    return fake


@pytest.fixture
def mirror(fake: FakeMirror) -> Mirror:
    return fake.mirror


def expected(path: str, body: bytes) -> Listed:
    return Listed(path, Expected("sha256", sha256(body).hexdigest(), len(body), "primary"))


async def synced(mirror: Mirror, *, full: bool = False) -> list[Progress]:
    tree, plan = await mirror.plan("el", full=full)
    return [now async for now in mirror.syncs.follow(tree, plan)]


async def verified(mirror: Mirror, name: str = "") -> tuple[list[Checked], Verified]:
    *files, total = [item async for item in mirror.verify(name)]
    assert isinstance(total, Verified)
    return [item for item in files if isinstance(item, Checked)], total


async def test_a_sync_is_planned_by_what_is_missing(fake: FakeMirror, mirror: Mirror) -> None:
    await fake.cache.fill(SOURCE, "a.rpm")
    _, plan = await mirror.plan("el", full=True)

    assert (plan.total_files, plan.kept, plan.files) == (3, 1, 2)
    assert (plan.size, plan.unsized, plan.seconds) == (50, 1, None)
    assert fake.cache.fetched == ["a.rpm"]


async def test_what_is_there_is_not_fetched_again_and_the_rest_is(fake: FakeMirror, mirror: Mirror) -> None:
    first = await synced(mirror)
    whole = await synced(mirror, full=True)
    again = await synced(mirror, full=True)

    assert sorted(fake.cache.fetched) == ["a.rpm", "b.rpm", "repomd.xml"]
    assert (first[-1].files, first[-1].over, first[-1].failed) == (1, True, 0)
    assert (whole[-1].files, whole[-1].of_files, whole[-1].size) == (3, 3, 150)
    assert again[-1].of_files == 1  # the list itself may have changed
    assert mirror.syncs.running("el") is None


async def test_a_file_of_another_digest_is_fetched_again(fake: FakeMirror, mirror: Mirror) -> None:
    fake.cache.upstream[SOURCE, "a.rpm"] = b"A" * 100
    await fake.cache.fill(SOURCE, "a.rpm")
    _, plan = await mirror.plan("el", full=True)

    assert [item.path for item in plan.wanted] == ["repomd.xml", "a.rpm", "b.rpm"]


async def test_what_could_not_be_had_is_told(fake: FakeMirror, mirror: Mirror) -> None:
    del fake.cache.upstream[SOURCE, "b.rpm"]
    fake.contents.more.append(Listed("EFI/grub.efi", optional=True))
    told = await synced(mirror, full=True)

    problems = [(now.path, now.problem) for now in told if now.problem]
    assert problems == [("b.rpm", f"{SOURCE} has no b.rpm")]
    assert (told[-1].files, told[-1].failed, told[-1].over) == (3, 1, True)


async def test_an_upstream_that_is_gone_is_not_asked_for_everything(fake: FakeMirror, mirror: Mirror) -> None:
    fake.cache.down.add(SOURCE)
    fake.contents.more = [Listed(f"{number}.rpm") for number in range(1000)]
    told = await synced(mirror, full=True)

    assert told[-1].over and 20 <= told[-1].failed < 40
    assert any(now.problem.startswith("nothing more is tried after 20 failures in a row") for now in told)


async def test_who_leaves_stops_it_and_what_goes_on_by_itself_can_be_stopped(
    fake: FakeMirror, mirror: Mirror
) -> None:
    gate = asyncio.Event()
    fill = fake.cache.fill

    async def slow(source: str, path: str) -> object:
        await gate.wait()
        return await fill(source, path)

    fake.cache.fill = slow  # type: ignore[method-assign,assignment]
    tree, plan = await mirror.plan("el", full=True)
    async with aclosing(mirror.syncs.follow(tree, plan)) as progress:
        await anext(progress)
        with pytest.raises(Conflict, match="tree el is being synced already"):
            mirror.syncs.begin(tree, plan)
    assert mirror.syncs.running("el") is None

    mirror.syncs.begin(tree, plan)
    (status,) = await mirror.status("el")
    assert status.sync is not None and status.sync.of_files == 3
    await mirror.syncs.stop("el")
    with pytest.raises(NotFound, match="tree el is not being synced"):
        await mirror.syncs.stop("el")
    assert fake.cache.fetched == []


async def test_a_tree_that_is_forgotten_is_fetched_no_more(
    fake: FakeMirror, mirror: Mirror, book: Book
) -> None:
    fake.contents.more = [Listed(f"{number}.rpm") for number in range(500)]
    fake.cache.upstream |= {(SOURCE, f"{number}.rpm"): b"x" for number in range(500)}
    fill = fake.cache.fill

    async def forgetting(source: str, path: str) -> object:
        if len(fake.cache.fetched) == 10:
            book.kept.clear()
            await book.rules.refresh()
        await asyncio.sleep(0)
        return await fill(source, path)

    fake.cache.fill = forgetting  # type: ignore[method-assign,assignment]
    told = await synced(mirror, full=True)

    assert told[-1].over and len(fake.cache.fetched) < 50


async def test_an_offline_tree_is_not_synced(mirror: Mirror) -> None:
    tree, plan = await mirror.plan("el")
    await mirror.offline("el", True)
    with pytest.raises(Conflict, match="tree el is offline"):
        await mirror.plan("el")
    with pytest.raises(Conflict, match="tree el is offline") as refusal:
        mirror.syncs.begin(tree, plan)
    assert refusal.value.remedy == "provisioner mirror offline el off"
    await mirror.offline_all(True)
    with pytest.raises(Conflict) as refusal:
        mirror.syncs.begin(tree, plan)
    assert refusal.value.remedy == "provisioner mirror offline --all off"


async def test_the_packages_of_a_profile_are_added_and_what_is_not_found_is_said(
    fake: FakeMirror, mirror: Mirror
) -> None:
    fake.selected = [expected("a.rpm", A)], ["nothing-like-it"]
    _, plan = await mirror.plan("el", profile="web")

    assert [item.path for item in plan.wanted] == ["repomd.xml", "a.rpm"]
    assert plan.unresolved == ("nothing-like-it",)
    with pytest.raises(Invalid, match="a whole tree has the packages of every profile"):
        await mirror.plan("el", full=True, profile="web")


async def test_status_tells_what_is_kept_and_how_the_upstreams_do(fake: FakeMirror, mirror: Mirror) -> None:
    await synced(mirror, full=True)
    fake.cache.counted[SOURCE] = FakeCounts(90, 10, 1000, 150)
    fake.origins.places[SOURCE] = [
        FakeHealth(SOURCE, "down", 1000.0, "refused"),
        FakeHealth("http://second.example/os", bytes=7, requests=1),
    ]
    fake.origins.archives[SOURCE] = "ftp://a:b@vault.example/os"
    fake.noted = ["nothing signs it"]
    el, far, iso = await mirror.status()

    assert (el.kept.files, el.kept.size, el.kept.verified) == (3, 157, 2)
    assert (el.hit_rate, el.saved, el.offline, el.notes) == (0.9, 850, False, ("nothing signs it",))
    assert el.archive == "ftp://a:***@vault.example/os"
    assert [place.url for place in el.upstreams] == [SOURCE, "http://second.example/os"]
    assert (far.cached, far.hit_rate, far.upstreams) == (True, None, ())
    assert (iso.cached, iso.kept.files) == (False, 0)


async def test_switches_are_the_trees(book: Book, mirror: Mirror) -> None:
    await mirror.pin("el", True)
    await mirror.quota("el", 10**9)
    await mirror.offline("el", True)

    assert (book.kept["el"].pinned, book.kept["el"].quota, book.kept["el"].offline) == (True, 10**9, True)
    assert (book.rules.quota(SOURCE), book.rules.offline(SOURCE)) == (10**9, True)
    for refused in (mirror.pin("iso", True), mirror.plan("iso"), mirror.clean("iso", 1), mirror.drop("iso")):
        with pytest.raises(Invalid, match=r"tree iso is /srv/dvd\.iso on this host"):
            await refused
    with pytest.raises(NotFound):
        await mirror.offline("nobody", True)


def spoil(fake: FakeMirror, path: str) -> None:
    found = fake.objects.find(SOURCE, path)
    assert found is not None
    with found:
        data = bytearray(found.place.read_bytes())
        data[3] ^= 1
        found.place.write_bytes(data)


async def test_what_is_broken_is_found_and_fetched_again(fake: FakeMirror, mirror: Mirror) -> None:
    await synced(mirror, full=True)
    _, before = await verified(mirror)
    spoil(fake, "a.rpm")
    files, total = await verified(mirror, "el")
    *_, mended = [item async for item in mirror.repair("el")]
    _, after = await verified(mirror)

    assert (before.sound, before.unverified, before.broken) == (2, 1, 0)
    assert [item.path for item in files if item.verdict == "broken"] == ["a.rpm"]
    assert (total.files, total.size, total.broken, total.mended) == (3, 157, 1, 0)
    assert isinstance(mended, Verified) and (mended.broken, mended.mended, mended.lost) == (1, 1, 0)
    assert after == before
    assert fake.cache.fetched.count("a.rpm") == 2


async def test_what_cannot_be_fetched_again_is_dropped_all_the_same(fake: FakeMirror, mirror: Mirror) -> None:
    await synced(mirror, full=True)
    spoil(fake, "a.rpm")
    fake.cache.down.add(SOURCE)
    repaired = [item async for item in mirror.repair()]

    (broken,) = [item for item in repaired if isinstance(item, Checked) and item.verdict == "broken"]
    assert broken.reason.endswith(f": dropped; {SOURCE} does not answer")
    assert isinstance(repaired[-1], Verified) and repaired[-1].lost == 1
    assert (await verified(mirror))[1].broken == 0


async def test_the_scrub_mends_what_it_finds_and_goes_on_where_it_was(
    fake: FakeMirror, mirror: Mirror, tmp_path: Path
) -> None:
    await synced(mirror, full=True)
    spoil(fake, "b.rpm")
    said: list[str] = []
    await mirror.scrub_once(0, said.append)

    assert said == [
        f"kept file {SOURCE}/b.rpm is broken (its bytes are not those that were kept): it was fetched again"
    ]
    assert (await verified(mirror))[1].broken == 0
    spoil(fake, "a.rpm")
    (tmp_path / "mirror/scrubbed").write_text("~")  # behind every file
    await mirror.scrub_once(0, said.append)
    assert len(said) == 1
    await mirror.scrub_once(0, said.append)
    assert len(said) == 2


async def test_what_nobody_has_any_more_is_dropped_where_it_is_broken(
    fake: FakeMirror, mirror: Mirror, book: Book
) -> None:
    await synced(mirror, full=True)
    spoil(fake, "b.rpm")
    del book.kept["el"]
    await book.rules.refresh()
    said: list[str] = []
    await mirror.scrub_once(0, said.append)

    assert said[0].endswith("it is dropped")


async def test_a_password_is_told_nobody(fake: FakeMirror, mirror: Mirror, book: Book) -> None:
    fake.cache.upstream[SECRET, "x"] = b"x"
    await fake.cache.fill(SECRET, "x")
    fake.origins.places[SECRET] = [FakeHealth("ftp://me:***@far.example/os", "down", 1.0, "no")]
    (status,) = await mirror.status("far")

    assert [place.state for place in status.upstreams] == ["down"]


async def test_old_files_are_cleaned_away_and_all_are_dropped(fake: FakeMirror, mirror: Mirror) -> None:
    await synced(mirror, full=True)

    assert await mirror.clean("el", 0) == (0, 0)  # the clock of the test stands before they were kept
    gone = await mirror.drop("el")
    assert (gone.files, gone.size) == (3, 157)
    assert (await mirror.status("el"))[0].kept.files == 0
