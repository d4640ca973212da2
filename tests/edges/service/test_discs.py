"""An ISO in a media folder is a tree: dropped there, uploaded, named; its kernel comes by HTTP and TFTP."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from provisioner.boot.loader import FILES
from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.media.prepare import Prepared
from provisioner.media.store import MediaStore
from provisioner.mirror.client import session
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from provisioner.plan.staged import staged
from provisioner.service.discs import Discs, name_for
from provisioner.service.locations import Locations
from provisioner.service.media import Media
from provisioner.service.ports import GuestRow
from provisioner.service.profiles import Profiles
from provisioner.service.recipes import Recipe, Recipes
from provisioner.service.shipped import shipped
from provisioner.service.staging import stage, unstage
from provisioner.service.texts import Texts
from provisioner.service.trees import Trees
from tests.edges.mirror.test_iso_hostile import image, udf_only
from tests.fake_storage import FakeStorageHost
from tests.fakes import START, FakeClock
from tests.lab.iso import write_iso
from tests.memory import MemoryStore
from tests.treeinfo import ROCKY
from tests.unit.service.shelf import HereRenderer, ToldLinter

UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
NAMES: dict[str, tuple[str, set[str], str]] = {
    "an ISO": ("/m/Rocky-9.4-x86_64-dvd.iso", set(), "rocky-9.4-x86-64-dvd"),
    "in capitals": ("/m/DEBIAN13.ISO", set(), "debian13"),
    "taken": ("/m/a.iso", {"a", "a-2"}, "a-3"),
    "a URL": ("http://m.example/centos/7%20x/", set(), "7-x"),
    "NFS": ("nfs://host/export/el9?version=3", set(), "el9"),
    "nothing usable": ("/m/***.iso", set(), "tree"),
    "long": (f"/m/{'x' * 90}.iso", set(), "x" * 50),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_name_is_made_of_a_source(case: str) -> None:
    source, taken, name = NAMES[case]
    assert name_for(source, taken) == name


class Place:
    """The media folder `media`, another one `other`, and the use cases on them."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.folder, self.upstream = folder, upstream
        for name in ("media", "other", "boot"):
            (folder / name).mkdir()
        self.store = MemoryStore(FakeClock())
        shelves = MediaStore(folder / "media", [folder / "other"])
        self.profiles = Profiles(self.store, Texts(ToldLinter(), HereRenderer()))
        kept = partial(unstage, folder / "boot")
        self.trees = Trees(self.store, Reader(upstream), self.profiles, kept, Discs(shelves))
        host = FakeStorageHost()
        self.media = Media(shelves, Prepared(folder / "cache"), lambda uri: host, self.trees)

    def iso(self, name: str, **files: bytes) -> Path:
        """A Rocky-like ISO somewhere else, to be copied in."""
        root = self.folder / f"tree-{name}"
        (root / "images/pxeboot").mkdir(parents=True)
        (root / ".treeinfo").write_text(ROCKY)
        for path in ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"):
            (root / path).write_bytes(path.encode() * 1000)
        return write_iso(self.folder / name, "ROCKY", root)

    async def names(self) -> list[str]:
        return [tree.name for tree in await self.trees.list()]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with session() as client:
        yield Place(tmp_path, Upstream(client))


async def test_an_iso_that_is_dropped_into_a_media_folder_is_a_tree(place: Place) -> None:
    data = place.iso("x.iso").read_bytes()
    at = place.folder / "other/Rocky-9.iso"
    at.write_bytes(data[:100_000])  # still being copied
    (place.folder / "media/notes.iso").write_text("no ISO at all")
    assert await place.names() == []
    at.write_bytes(data)

    assert await place.names() == ["rocky-9"]
    tree = await place.trees.get("rocky-9")
    assert (tree.source, tree.family, tree.release) == (str(at), "rhel", "9.4")
    assert {file.name: file.tree for file in await place.media.list()} == {
        "Rocky-9.iso": "rocky-9",
        "notes.iso": "",
    }


async def test_one_that_was_forgotten_stays_so_until_it_changes(place: Place) -> None:
    data = place.iso("x.iso").read_bytes()
    at = place.folder / "media/a.iso"
    at.write_bytes(data)
    assert await place.names() == ["a"]
    await place.trees.remove("a")

    assert await place.names() == []
    at.write_bytes(data + bytes(2048))
    assert await place.names() == ["a"]


async def test_one_of_two_names_is_another(place: Place) -> None:
    data = place.iso("x.iso").read_bytes()
    (place.folder / "media/a.iso").write_bytes(data)
    (place.folder / "other/A.iso").write_bytes(data)

    assert sorted(await place.names()) == ["a", "a-2"]


async def test_what_is_uploaded_is_a_tree_and_goes_with_the_file(place: Place) -> None:
    data = place.iso("x.iso").read_bytes()

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    added = await place.media.add("Rocky.iso", pieces(), len(data))
    assert (added.tree, added.kind) == ("rocky", "iso")
    assert (await place.media.resolve("Rocky.iso")).tree == "rocky"
    assert (await Locations(place.trees, place.profiles).tree("Rocky.iso"))[0].name == "rocky"
    await installing(place, "rocky")

    with pytest.raises(Conflict, match="tree rocky is being read by the install of web1"):
        await place.media.remove("Rocky.iso")
    assert Path(added.path).exists()


async def installing(place: Place, tree: str) -> Install:
    install = Install("i1", "web1", "52:54:00:00:00:01", UUID, "mine", Stage.BOOTING, START, START)
    spec = GuestSpec("web1", "mine", UUID, nics=(Nic("network", "default", install.mac),), tree=tree)
    await place.store.add_install(install, GuestRow(spec, "i1", "v", START, {}))
    return install


async def test_a_tree_is_forgotten_with_its_medium(place: Place) -> None:
    (place.folder / "media/a.iso").write_bytes(place.iso("x.iso").read_bytes())
    assert await place.names() == ["a"]

    await place.media.remove("a.iso")
    assert await place.store.trees() == []


async def test_a_medium_is_added_by_its_name(place: Place) -> None:
    (place.folder / "other/Rocky-9.iso").write_bytes(place.iso("x.iso").read_bytes())

    added = await place.trees.add("mine", "Rocky-9.iso")
    assert (added.name, added.source) == ("mine", str(place.folder / "other/Rocky-9.iso"))
    assert await place.trees.add("", "Rocky-9.iso") == added
    assert await place.names() == ["mine"]


def cut(data: bytes) -> bytes:
    return data[:-60_000]


REFUSED: dict[str, tuple[str, type[ProvisionerError], str]] = {
    "not there": ("none.iso", NotFound, "there is no file none.iso"),
    "text": ("text.iso", Invalid, "text.iso is not an ISO image, although it is called one"),
    "a disk": ("disk.img", Invalid, "disk.img is not an ISO image"),
    "cut short": ("cut.iso", Invalid, "cut.iso is cut short"),
    "UDF alone": (
        "udf.iso",
        Unavailable,
        "udf.iso is not an ISO that can be read: its files are in UDF alone",
    ),
    "Windows": ("windows.iso", Unavailable, "windows.iso is a medium of Windows, which no tree is made of"),
    "no tree": ("seed.iso", Invalid, "seed.iso: no known installer"),
    "a path that is not there": (
        "/nowhere/x.iso",
        Unavailable,
        "the ISO /nowhere/x.iso cannot be read: No such file",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_tree_is_one_sentence(place: Place, case: str) -> None:
    media = place.folder / "media"
    (media / "text.iso").write_text("text")
    (media / "disk.img").write_bytes(b"x" * 5000)
    (media / "cut.iso").write_bytes(cut(place.iso("x.iso").read_bytes()))
    (media / "udf.iso").write_bytes(udf_only(place.folder / "udf"))
    image(media / "windows.iso", {"SOURCES/BOOT.WIM": b"wim"})
    (place.folder / "empty").mkdir()
    (place.folder / "empty/readme").write_text("nothing")
    write_iso(media / "seed.iso", "SEED", place.folder / "empty")
    source, kind, said = REFUSED[case]
    with pytest.raises(kind) as refusal:
        await place.trees.add("", source)

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.remedy
    assert await place.store.trees() == []


async def test_kernel_and_initrd_come_by_tftp_out_of_the_iso(place: Place) -> None:
    (place.folder / "media/rocky.iso").write_bytes(place.iso("x.iso").read_bytes())
    (tree,) = await place.trees.list()
    for step in staged(tree, str(place.folder / "boot")):
        await stage(place.upstream.open, step)
    install = await installing(place, tree.name)
    recipe = Recipe(install, shipped()["centos7"], tree, None)
    recipes = Recipes(place.folder / "boot", ())

    for part, path in (("kernel", tree.kernel), ("initrd", tree.initrd)):
        content = recipes.by_tftp(recipe, f"{FILES}/i1/{part}", "192.168.122.1")
        assert content is not None
        assert content[:] == path.encode() * 1000
