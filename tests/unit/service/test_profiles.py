"""Profiles: the shipped ones are read-only, users' own are checked before they are saved."""

from dataclasses import replace

import pytest

from provisioner.answers.finding import Finding
from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.machine import Machine
from provisioner.core.profile import Profile
from provisioner.service.shipped import shipped
from tests.unit.service.shelf import OWN, Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_the_shipped_ones_are_listed_beside_ones_own(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)

    listed = {row.name: row.shipped for row in await shelf.profiles.list()}

    assert {"centos7", "debian12-image", "debian13", "rocky9", "tiny"} <= listed.keys()
    assert [name for name, is_shipped in listed.items() if not is_shipped] == ["mine"]


async def test_what_is_shipped_can_be_copied_and_the_copy_edited(shelf: Shelf) -> None:
    copied = await shelf.profiles.copy("debian13", "mine")
    await shelf.profiles.edit(replace(copied, memory=4096))

    assert copied == replace(shipped()["debian13"], name="mine", shipped=False)
    assert await shelf.profiles.get("mine") == replace(copied, memory=4096)


async def test_what_is_shipped_is_neither_changed_nor_removed(shelf: Shelf) -> None:
    for attempt in (shelf.profiles.edit(shipped()["tiny"]), shelf.profiles.remove("tiny")):
        with pytest.raises(
            Conflict, match=r"profile tiny is shipped and cannot be \w+; copy it first"
        ) as refusal:
            await attempt
        assert refusal.value.remedy == "provisioner profile copy tiny NEW"
    with pytest.raises(Conflict, match="a shipped profile is called 'tiny' already"):
        await shelf.profiles.create(replace(OWN, name="tiny"))


async def test_a_name_is_used_once(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)
    with pytest.raises(Conflict, match="mine"):
        await shelf.profiles.create(OWN)


async def test_an_unknown_profile_names_the_known_ones(shelf: Shelf) -> None:
    for attempt in (
        shelf.profiles.get("x"),
        shelf.profiles.remove("x"),
        shelf.profiles.edit(replace(OWN, name="x")),
        shelf.profiles.copy("x", "y"),
    ):
        with pytest.raises(
            NotFound, match="no profile is called 'x'; known are: almalinux10, centos7, debian12"
        ):
            await attempt


async def test_what_the_linter_finds_is_not_saved(shelf: Shelf) -> None:
    shelf.linter.findings = [Finding(3, "Unknown command: foo"), Finding(9, "shell: syntax error")]
    with pytest.raises(Invalid) as refusal:
        await shelf.profiles.create(OWN)

    assert str(refusal.value) == (
        "the answer file of profile mine would not be taken: "
        "line 3 (debian/preseed.cfg.j2 line 7): Unknown command: foo (and 1 more)"
    )
    assert await shelf.store.profiles() == []


async def test_the_linter_is_asked_about_the_rendered_text(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)

    ((text, family, release),) = shelf.linter.asked

    assert "d-i mirror/suite string trixie" in text
    assert (family, release) == ("debian", "13")


BAD: dict[str, tuple[Profile, str]] = {
    "name": (replace(OWN, name="No Name"), "profile name 'No Name' is not usable"),
    "family": (
        replace(OWN, family="gentoo"),
        "family 'gentoo' is not known; known are image, rhel, fedora, suse, agama, debian, ubuntu",
    ),
    "tree": (replace(OWN, tree="../x"), r"profile mine: tree '\.\./x' is not usable"),
    "template": (
        replace(OWN, template="debian/no.j2"),
        "there is no template debian/no.j2 below kickstarts/",
    ),
    "inline": (replace(OWN, template="a\n{{ b\n"), "the template line 2: unexpected end of template"),
    "args": (replace(OWN, kernel_args="a\nb"), "kernel arguments are one line"),
    "memory": (replace(OWN, memory=64), "profile mine: memory 64 is too small; 128 is the least"),
    "vcpus": (replace(OWN, vcpus=0), "profile mine: vcpus 0 is too small; 1 is the least"),
    "disk": (replace(OWN, disk=0), "profile mine: disk 0 GiB must be above 0"),
    "release": (replace(OWN, family="rhel", release=""), "no release is given"),
    "packages": (
        replace(OWN, variables={"suite": "trixie", "packages": ["a; rm -rf /"]}),
        "profile mine: variable packages: 'a; rm -rf /' is not usable",
    ),
    "packages kind": (
        replace(OWN, variables={"suite": "trixie", "packages": 5}),
        "profile mine: variable packages must be a list",
    ),
    "lang": (
        replace(OWN, variables={"suite": "trixie", "lang": "en\nrootpw x"}),
        "profile mine: variable lang = .* is not usable",
    ),
    "keys": (replace(OWN, variables={"suite": "trixie", "ssh_keys": ["a\nb"]}), "variable ssh_keys"),
    "hash": (
        replace(OWN, variables={"suite": "trixie", "root_password_hash": "secret"}),
        "root_password_hash",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_profile_that_could_not_install_is_refused(shelf: Shelf, what: str) -> None:
    profile, sentence = BAD[what]
    with pytest.raises(Invalid, match=sentence):
        await shelf.profiles.create(profile)

    assert await shelf.store.profiles() == []


async def test_a_profile_without_a_release_takes_its_trees(shelf: Shelf) -> None:
    await shelf.trees.add("centos7", "/rhel/centos-7.6.1810")
    await shelf.profiles.create(replace(shipped()["centos7"], name="mine", release=""))

    assert shelf.linter.asked[0][2] == "7"


async def test_one_text_stands_for_a_list(shelf: Shelf) -> None:
    await shelf.profiles.create(replace(OWN, variables={"suite": "trixie", "packages": "vim tmux"}))

    assert "d-i pkgsel/include string vim tmux\n" in shelf.linter.asked[0][0]


async def test_a_profile_that_is_used_stays(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)
    await shelf.guest("mine")
    await shelf.store.add_machine(Machine("rack7", "52:54:00:00:00:07", profile="mine"))
    with pytest.raises(Conflict, match="profile mine is used by rack7, web1"):
        await shelf.profiles.remove("mine")


async def test_a_profile_that_nobody_uses_goes(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)
    await shelf.profiles.remove("mine")

    assert "mine" not in [row.name for row in await shelf.profiles.list()]


async def test_a_preview_tells_what_a_check_finds_and_keeps_nothing(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)
    shelf.linter.findings = [Finding(3, "Unknown command: foo")]
    secret = {"luks_passphrase": "hunter2-disk", "root_password": "hunter2-root", "timezone": "Asia/Tokyo"}

    text, found = await shelf.profiles.preview(replace(OWN, variables=secret))

    assert [finding.text for finding in found] == ["Unknown command: foo"]
    assert "Asia/Tokyo" in text
    assert "hunter2" not in text
    assert await shelf.profiles.get("mine") == OWN
    with pytest.raises(Invalid, match="memory 1 is too small"):
        await shelf.profiles.preview(replace(OWN, memory=1))
