"""Trees are told apart when they are added, and refused in one sentence."""

from dataclasses import replace
from datetime import date
from typing import Any, NoReturn

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.install import Event, Kind
from provisioner.core.profile import Tree
from provisioner.service.discs import Discs
from provisioner.service.trees import Trees
from tests.fakes import START
from tests.unit.service.shelf import OWN, Shelf

CENTOS = Tree(
    "centos7",
    "/rhel/centos-7.6.1810",
    "rhel",
    "7",
    "images/pxeboot/vmlinuz",
    "images/pxeboot/initrd.img",
)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_a_tree_is_added_with_what_its_files_say(shelf: Shelf) -> None:
    assert await shelf.trees.add("centos7", "/rhel/centos-7.6.1810/") == CENTOS
    assert await shelf.trees.get("centos7") == CENTOS
    assert await shelf.trees.list() == [CENTOS]


async def test_adding_the_same_again_reads_it_anew(shelf: Shelf) -> None:
    await shelf.store.put_tree(replace(CENTOS, release="6"))

    assert await shelf.trees.add("centos7", CENTOS.source) == CENTOS
    with pytest.raises(Conflict, match="tree centos7 is at /rhel/centos-7"):
        await shelf.trees.add("centos7", "/debian/trixie")


KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n-----END PGP PUBLIC KEY BLOCK-----\n"


async def test_what_the_mirror_was_told_of_a_tree_stays_until_it_is_told_anew(shelf: Shelf) -> None:
    near, far = "http://near.example/7", "ftp://me:hunter2@far.example/7"
    first = await shelf.trees.add("centos7", CENTOS.source, mirrors=[f"{near}/", far], key=KEY)
    told = replace(first, offline=True, pinned=True, quota=10**9)
    await shelf.store.put_tree(told)

    assert (first.mirrors, first.key) == ((near, far), KEY)
    assert await shelf.trees.add("centos7", CENTOS.source) == told
    assert await shelf.trees.add("centos7", CENTOS.source, mirrors=[], key="") == replace(
        told, mirrors=(), key=""
    )


async def test_a_mirror_is_a_server_and_a_key_is_a_key(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="a tree's mirror is another server, not /srv/x of this host"):
        await shelf.trees.add("centos7", CENTOS.source, mirrors=["/srv/x"])
    with pytest.raises(Invalid, match="the key of tree centos7 is no armoured OpenPGP public key"):
        await shelf.trees.add("centos7", CENTOS.source, key="ssh-ed25519 AAAA")

    assert await shelf.trees.list() == []


async def test_a_folder_that_is_no_tree_is_named(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="/empty: no known installer: found none of the files"):
        await shelf.trees.add("t", "/empty")
    with pytest.raises(
        Invalid, match="/debian/images-folder: this is a folder of installer images"
    ) as refusal:
        await shelf.trees.add("t", "/debian/images-folder")

    assert refusal.value.remedy == "add the mirror's root instead: the folder that holds dists/"
    assert await shelf.trees.list() == []


async def test_a_tree_that_does_not_answer_is_named(shelf: Shelf) -> None:
    shelf.reader.away.add("http://mirror.example/x")
    with pytest.raises(Unavailable, match=r"http://mirror\.example/x/"):
        await shelf.trees.add("t", "http://mirror.example/x/")


async def test_a_tree_without_its_kernel_is_refused_with_the_files_name(shelf: Shelf) -> None:
    shelf.reader.lacking.add(CENTOS.source)
    with pytest.raises(Unavailable, match=f"{CENTOS.source} is not all of rhel 7: images/pxeboot/vmlinuz"):
        await shelf.trees.add("centos7", CENTOS.source)

    assert await shelf.trees.list() == []


async def test_an_unknown_tree_names_the_known_ones(shelf: Shelf) -> None:
    with pytest.raises(NotFound, match="no tree is called 'x'; known are: none"):
        await shelf.trees.get("x")
    await shelf.trees.add("centos7", CENTOS.source)
    with pytest.raises(NotFound, match="no tree is called 'x'; known are: centos7") as refusal:
        await shelf.trees.remove("x")

    assert refusal.value.remedy.startswith("provisioner tree add x SOURCE")


async def test_a_tree_that_an_install_reads_stays(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)
    await shelf.trees.add("debian13", "/debian/trixie")
    await shelf.guest("mine")
    with pytest.raises(Conflict, match="tree debian13 is being read by the install of web1"):
        await shelf.trees.remove("debian13")
    assert shelf.unstaged == []
    await shelf.store.record([Event(Kind.CANCELLED, START, "test", install="i1")])
    await shelf.trees.remove("debian13")

    assert await shelf.trees.list() == []
    assert shelf.unstaged == ["debian13"]


SECRET = "ftp://me:hunter2@mirror.example/os"


async def test_a_password_is_kept_and_not_told(shelf: Shelf) -> None:
    await shelf.store.put_tree(replace(CENTOS, name="far", source=SECRET))
    shelf.reader.lacking.add(SECRET)
    sayings = []
    for name, source in (
        ("far", "/rhel/centos-7.6.1810"),
        ("new", SECRET),
        ("new", "sftp://me:hunter2@host/x"),
    ):
        with pytest.raises((Conflict, Invalid)) as refusal:
            await shelf.trees.add(name, source)
        sayings.append(f"{refusal.value} {refusal.value.remedy}")
    with pytest.raises(Unavailable) as missing:
        await shelf.trees.reachable(await shelf.trees.get("far"))

    assert (await shelf.trees.get("far")).source == SECRET
    assert sayings[0].startswith("tree far is at ftp://me:***@mirror.example/os")
    assert sayings[1].startswith("ftp://me:***@mirror.example/os: no known installer")
    assert str(missing.value) == "tree far has no ftp://me:***@mirror.example/os/images/pxeboot/vmlinuz"
    assert "hunter2" not in "".join(sayings)


async def test_another_password_for_the_same_place_is_taken(shelf: Shelf) -> None:
    await shelf.store.put_tree(replace(CENTOS, name="far", source=SECRET))
    with pytest.raises(Invalid, match="no known installer"):
        await shelf.trees.add("far", SECRET.replace("hunter2", "hunter3"))


async def test_the_folder_of_images_keeps_its_name(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="the name images is taken"):
        await shelf.trees.add("images", CENTOS.source)


class ToldSystems:
    """`centos7.6` lies at two places, of which the first has nothing."""

    async def places(self, name: str, arch: str) -> list[str]:
        known = {"centos7.6": ["/empty", CENTOS.source], "debian12": ["/debian/trixie"], "gone1": ["/empty"]}
        return known.get(name, []) if arch == "x86_64" else []

    async def least(self, name: str) -> tuple[int, float]:
        return 0, 0

    async def ended(self, name: str) -> date | None:
        return None

    async def like(self, name: str) -> list[str]:
        return ["centos7.6"] if name.startswith("cent") else []


class NoMedia:
    async def isos(self) -> dict[str, str]:
        return {}

    async def resolve(self, text: str) -> NoReturn:
        raise NotFound(f"no medium is called {text}")


@pytest.fixture
def named(shelf: Shelf) -> Trees:
    media: Any = NoMedia()
    gone: Any = None
    return Trees(shelf.store, shelf.reader, shelf.profiles, gone, Discs(media), ToldSystems())


async def test_a_tree_is_added_by_the_name_of_its_system(shelf: Shelf, named: Trees) -> None:
    told = replace(CENTOS, name="centos7.6", release="7.6")

    assert await named.add("centos7.6", "") == told
    assert await named.add("centos7.6", "") == told
    assert await named.add("mine", "centos7.6") == replace(told, name="mine")
    assert (await named.explain("centos7.6")).tree().release == "7.6"
    with pytest.raises(Conflict, match=r"tree centos7\.6 is at /rhel/centos-7"):
        await named.add("centos7.6", "/debian/trixie")


async def test_a_tree_that_is_missing_may_be_had_by_its_name(named: Trees) -> None:
    with pytest.raises(NotFound, match="no tree is called 'debian12'") as refusal:
        await named.get("debian12")

    assert refusal.value.remedy == "provisioner tree add debian12   (from /debian/trixie)"


async def test_a_place_that_holds_another_release_is_none_of_the_system(named: Trees) -> None:
    with pytest.raises(Invalid, match="/debian/trixie holds debian 13, not 12"):
        await named.add("debian12", "")
    with pytest.raises(Invalid, match="/empty: no known installer"):
        await named.add("gone1", "")


async def test_a_name_that_nothing_has_is_told_with_those_like_it(named: Trees) -> None:
    with pytest.raises(NotFound, match="'centos76' is no system whose tree is known here") as refusal:
        await named.add("centos76", "")

    assert refusal.value.remedy == (
        "did you mean centos7.6? or say where it lies: provisioner tree add centos76 SOURCE"
    )
