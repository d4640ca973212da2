"""Variables of host, profile and guest: which one stands, what is told of it, and what is kept."""

import json
from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import Invalid, NotFound
from provisioner.core.host import Host
from provisioner.core.profile import Profile
from provisioner.service.answers import Answers
from provisioner.service.contexts import VARIABLES
from provisioner.service.explain import Explain
from provisioner.service.host_variables import HostVariables
from tests.unit.service.shelf import HASH, OWN, Shelf

ROOT = "http://192.168.122.1:8080"
RACK = "qemu+ssh://rack1/system"
HOSTS = {
    "local": {"timezone": "Asia/Tokyo", "lang": "ja_JP.UTF-8", "proxy": "http://proxy:3128"},
    "rack1": {"timezone": "Europe/Paris"},
}
PROFILE = replace(OWN, variables={"lang": "de_DE.UTF-8", "keyboard": "de", "motd": "hello"})


async def hosts() -> list[Host]:
    return [Host("local", "qemu:///system"), Host("rack1", RACK)]


@pytest.fixture
async def shelf() -> Shelf:
    made = Shelf()
    await made.trees.add("debian13", "/debian/trixie")
    await made.profiles.create(PROFILE)
    return made


def answers(shelf: Shelf) -> Answers:
    around = HostVariables(HOSTS, hosts)
    return Answers(shelf.store, shelf.tokens, shelf.profiles, shelf.trees, shelf.texts, around=around)


def lines(text: str, *questions: str) -> list[str]:
    return [
        row.split(" ", 3)[3]
        for row in text.splitlines()
        if row.split(" ")[1:2] and row.split()[1] in questions
    ]


SHOWN = ("debian-installer/locale", "keyboard-configuration/xkb-keymap", "time/zone")


async def test_a_guests_variable_stands_above_the_profiles_and_that_above_the_hosts(shelf: Shelf) -> None:
    install, _ = await shelf.guest("mine", **{VARIABLES: json.dumps({"keyboard": "fr"})})

    text = (await answers(shelf).for_install(install, ROOT, "preseed.cfg")).text

    assert lines(text, *SHOWN) == ["de_DE.UTF-8", "fr", "Asia/Tokyo"]
    assert "d-i mirror/http/proxy string http://proxy:3128\n" in text


async def test_another_hosts_guest_has_that_hosts_variables(shelf: Shelf) -> None:
    install, row = await shelf.guest("mine")
    tree = await shelf.trees.get("debian13")

    text = await answers(shelf).text(install, replace(row, uri=RACK), PROFILE, tree, ROOT)

    assert lines(text, *SHOWN) == ["de_DE.UTF-8", "de", "Europe/Paris"]


async def test_a_machine_that_is_no_guest_has_the_local_hosts_variables(shelf: Shelf) -> None:
    install, _ = await shelf.guest("mine")
    tree = await shelf.trees.get("debian13")

    assert lines(await answers(shelf).text(install, None, PROFILE, tree, ROOT), "time/zone") == ["Asia/Tokyo"]


async def test_each_value_is_told_with_who_gave_it(shelf: Shelf) -> None:
    given = {"keyboard": "fr", "users": [{"name": "ann", "password_hash": HASH}], "luks_passphrase": "open"}
    await shelf.guest("mine", ssh_keys="ssh-rsa A a\nssh-rsa B b", **{VARIABLES: json.dumps(given)})
    explain = Explain(shelf.store, shelf.profiles, HostVariables(HOSTS, hosts))

    found = {row.name: (row.value, row.origin) for row in await explain("mine", "web1")}

    assert {name: found[name] for name in ("lang", "keyboard", "timezone", "layout", "motd")} == {
        "lang": ("de_DE.UTF-8", "profile mine"),
        "keyboard": ("fr", "guest web1"),
        "timezone": ("Asia/Tokyo", "host local"),
        "layout": ("plain", "default"),
        "motd": ("hello", "profile mine"),
    }
    assert found["ssh_keys"] == (["ssh-rsa A a", "ssh-rsa B b"], "guest web1")
    assert found["users"] == ([{"name": "ann", "password_hash": "***"}], "guest web1")
    assert found["luks_passphrase"] == ("***", "guest web1")
    assert {row.name: row.origin for row in await explain("mine")}["keyboard"] == "profile mine"


async def test_nobody_cannot_be_explained(shelf: Shelf) -> None:
    explain = Explain(shelf.store, shelf.profiles, HostVariables({}, hosts))
    with pytest.raises(NotFound):
        await explain("nobody")
    with pytest.raises(NotFound):
        await explain("mine", "nobody")


async def test_a_host_that_nobody_has_is_named() -> None:
    assert await HostVariables(HOSTS | {"rack9": {}}, hosts).strangers() == ["rack9"]


def test_a_hosts_variable_that_cannot_be_used_is_told_when_the_service_starts() -> None:
    with pytest.raises(Invalid, match="host rack1: variable vlan = '0' is no VLAN"):
        HostVariables({"rack1": {"vlan": 0}}, hosts)


async def test_no_password_in_plain_text_is_kept(shelf: Shelf) -> None:
    users: list[Any] = [{"name": "ann", "password": "hunter2 漢字 🐧"}]
    await shelf.profiles.create(
        replace(PROFILE, name="other", variables={"root_password": "hunter2", "users": users})
    )
    kept = (await shelf.store.profile("other")).variables

    assert "hunter2" not in json.dumps(kept, ensure_ascii=False)
    assert str(kept["root_password_hash"]).startswith("$6$")


async def test_a_preview_shows_no_passphrase_however_it_is_quoted(shelf: Shelf) -> None:
    given = {"layout": "luks", "luks_passphrase": 'it\'s "open" $x'}
    await shelf.guest("mine", **{VARIABLES: json.dumps(given)})

    text = await answers(shelf).preview("web1")

    assert "d-i partman-crypto/passphrase password ***\n" in text
    assert "open" not in text


async def test_a_repository_may_be_one_of_our_trees(shelf: Shelf) -> None:
    given = {"repositories": [{"name": "extra", "url": "tree:more", "suite": "trixie", "components": "a b"}]}
    install, _ = await shelf.guest("mine", **{VARIABLES: json.dumps(given)})

    text = (await answers(shelf).for_install(install, ROOT, "preseed.cfg")).text

    assert f"apt-setup/local0/repository string [trusted=yes] {ROOT}/tree/more trixie a b\n" in text


async def test_a_profile_without_a_template_has_its_familys(shelf: Shelf) -> None:
    plain = Profile("plain", "debian", "debian13", release="13")
    await shelf.profiles.create(plain)
    install, row = await shelf.guest("plain")
    tree = await shelf.trees.get("debian13")
    other = replace(plain, family="ubuntu", release="24.04")

    assert (await answers(shelf).for_install(install, ROOT, "preseed.cfg")).text.startswith(
        "# Debian installer"
    )
    assert (await answers(shelf).text(install, row, other, tree, ROOT)).startswith("#cloud-config\n")


async def test_beside_user_data_there_are_three_more_files_and_no_others(shelf: Shelf) -> None:
    await shelf.store.put_profile(Profile("noble", "ubuntu", "debian13", release="24.04"), new=True)
    install, _ = await shelf.guest("noble")

    asked = {
        file: (await answers(shelf).for_install(install, ROOT, file)).text.split("\n")[0]
        for file in ("user-data", "meta-data", "vendor-data", "network-config")
    }

    assert asked == {
        "user-data": "#cloud-config",
        "meta-data": 'instance-id: "i1"',
        "vendor-data": "#cloud-config",
        "network-config": "version: 2",
    }
    with pytest.raises(NotFound, match=r"install i1 has no ks\.cfg; its answer file is user-data"):
        await answers(shelf).for_install(install, ROOT, "ks.cfg")
