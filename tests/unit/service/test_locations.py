"""What a location means, and which profile answers the installer that lies there."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.core.profile import Profile, Tree
from provisioner.service.locations import Locations
from tests.unit.service.shelf import OWN, Shelf

CENTOS = "/rhel/centos-7.6.1810"


@pytest.fixture
async def shelf() -> Shelf:
    made = Shelf()
    await made.trees.add("el7", CENTOS)
    await made.trees.add("ftp7", "/debian/trixie")
    return made


def locations(shelf: Shelf) -> Locations:
    return Locations(shelf.trees, shelf.profiles)


KNOWN = {
    "its name": ("el7", "el7"),
    "its directory": (CENTOS, "el7"),
    "its directory with a slash": (f"{CENTOS}/", "el7"),
    "its directory as a URL": (f"file://{CENTOS}", "el7"),
    "another's name": ("ftp7", "ftp7"),
}


@pytest.mark.parametrize(("location", "name"), KNOWN.values(), ids=KNOWN)
async def test_a_tree_that_is_known_is_not_made_again(shelf: Shelf, location: str, name: str) -> None:
    assert await locations(shelf).tree(location) == (await shelf.trees.get(name), False)


async def test_a_tree_that_is_not_known_gets_a_name_of_its_source(shelf: Shelf) -> None:
    first, new = await locations(shelf).tree("/image/mini")
    again, _ = await locations(shelf).tree("/image/mini/")

    assert new
    assert first == again
    assert (first.source, first.family, first.kernel) == ("/image/mini", "image", "images/pxeboot/vmlinuz")
    assert first.name.startswith("at-") and len(first.name) == 13
    assert [tree.name for tree in await shelf.trees.list()] == ["el7", "ftp7"], "nothing is remembered yet"


@pytest.mark.parametrize(
    "location",
    ["http://mirror.example/el7", "ftp://mirror.example/el7", "nfs:host:/el7", "/srv/el7.iso"],
)
async def test_every_kind_of_source_can_be_a_location(
    shelf: Shelf, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = shelf.reader.read

    async def elsewhere(source: str, path: str) -> bytes | None:
        return await read(CENTOS, path)

    monkeypatch.setattr(shelf.reader, "read", elsewhere)
    tree, new = await locations(shelf).tree(location)

    assert (new, tree.family, tree.release) == (True, "rhel", "7")


NO_TREE: dict[str, tuple[str, type[ProvisionerError], str]] = {
    "a name that nobody has": ("el8", NotFound, "no tree is called 'el8'; known are: el7, ftp7"),
    "a directory that is none": ("/empty", Invalid, "/empty: no known installer"),
    "a folder inside a mirror": ("/debian/images-folder", Invalid, "/debian/images-folder: this is a folder"),
    "a relative path": ("srv/el7", Invalid, "tree source 'srv/el7' is none of"),
    "a URL that is away": ("http://away.example/x", Unavailable, "http://away.example/x/"),
    "a password": ("http://me:hunter2@mirror/x", Invalid, "a URL with a password"),
}


@pytest.mark.parametrize(("location", "error", "sentence"), NO_TREE.values(), ids=NO_TREE)
async def test_what_is_no_tree_is_one_sentence(
    shelf: Shelf, location: str, error: type[ProvisionerError], sentence: str
) -> None:
    shelf.reader.away.add("http://away.example/x")

    with pytest.raises(error) as caught:
        await locations(shelf).tree(location)

    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


EL7 = Tree("el7", CENTOS, "rhel", "7")
FITTING: dict[str, tuple[Tree, str, str, str]] = {
    "the only one for its family and release": (EL7, "", "", "centos7"),
    "the same for a minor release": (replace(EL7, release="7.9"), "", "", "centos7"),
    "the only one for a mirror": (Tree("d", "/d", "debian", "13"), "", "", "debian13"),
    "the one that is asked for": (Tree("d", "/d", "image", "1"), "tiny", "", "tiny"),
    "one that is asked for, whatever the release": (replace(EL7, release="9"), "centos7", "", "centos7"),
    "one that is asked for beside own arguments": (EL7, "centos7", "inst.ks=http://x/y", "centos7"),
    "other arguments answer nothing": (EL7, "", "quiet inst.text my.ks=1", "centos7"),
}


@pytest.mark.parametrize(("tree", "profile", "arguments", "found"), FITTING.values(), ids=FITTING)
async def test_the_profile_that_fits_is_taken(
    shelf: Shelf, tree: Tree, profile: str, arguments: str, found: str
) -> None:
    taken = await locations(shelf).profile(tree, profile, arguments)

    assert taken is not None
    assert taken.name == found


@pytest.mark.parametrize(
    "arguments",
    [
        "inst.ks=http://x/y",
        "ks=http://x/y",
        "quiet inst.ks=hd:LABEL=x:/ks.cfg ip=dhcp",
        "auto=true url=http://x/preseed.cfg",
        "preseed/url=http://x/y",
        "file=/preseed.cfg",
        "autoyast=http://x/y",
        "inst.auto=http://x/y",
        "autoinstall ds=nocloud",
        "ds=nocloud-net;s=http://x/",
    ],
)
async def test_who_answers_himself_gets_no_profile(shelf: Shelf, arguments: str) -> None:
    assert await locations(shelf).profile(EL7, "", arguments) is None


NO_PROFILE: dict[str, tuple[Tree, str, type[ProvisionerError], str]] = {
    "several": (
        Tree("d", "/d", "debian", "13"),
        "",
        Invalid,
        "several profiles fit a tree of family debian 13: mine, other",
    ),
    "none": (
        Tree("el", "/el", "rhel", "6.10"),
        "",
        Invalid,
        r"no profile is for a tree of family rhel 6\.10",
    ),
    "one of another family": (
        EL7,
        "debian13",
        Invalid,
        f"profile debian13 answers the installer of family debian, and {CENTOS} is of family rhel",
    ),
    "one that nobody has": (EL7, "none", NotFound, "no profile is called 'none'; known are"),
}


@pytest.mark.parametrize(("tree", "asked", "error", "sentence"), NO_PROFILE.values(), ids=NO_PROFILE)
async def test_where_no_profile_is_plain_it_is_asked_for(
    shelf: Shelf, tree: Tree, asked: str, error: type[ProvisionerError], sentence: str
) -> None:
    for name in ("mine", "other"):
        await shelf.store.put_profile(replace(OWN, name=name), new=True)

    with pytest.raises(error, match=sentence) as caught:
        await locations(shelf).profile(tree, asked, "")

    assert caught.value.remedy


NEAREST: dict[str, tuple[Tree, str]] = {
    "one's own stands above a shipped one": (Tree("d", "/d", "debian", "13"), "mine"),
    "that of the very tree stands above all": (Tree("debian12", "/d", "debian", "12"), "debian12"),
}


@pytest.mark.parametrize(("tree", "name"), NEAREST.values(), ids=NEAREST)
async def test_of_several_that_fit_the_nearest_is_taken(shelf: Shelf, tree: Tree, name: str) -> None:
    for release in ("13", "12"):
        own = replace(OWN, name="mine" if release == "13" else "mine12", tree="elsewhere", release=release)
        await shelf.store.put_profile(own, new=True)

    found = await locations(shelf).profile(tree, "", "")

    assert found is not None and found.name == name


async def test_a_profile_without_a_release_fits_every_release(shelf: Shelf) -> None:
    await shelf.store.put_profile(Profile("any-el", "rhel", "el7", "rhel/ks.cfg.j2"), new=True)

    found = await locations(shelf).profile(Tree("el", "/el", "rhel", "6.10"), "", "")

    assert found is not None and found.name == "any-el"
