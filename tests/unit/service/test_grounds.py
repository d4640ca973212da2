"""What a plan is made from: secrets, arguments, the texts of a seed."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from provisioner.core.errors import Invalid
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.service.grounds import cloud_files
from provisioner.service.requests import CreateGuest
from provisioner.service.tokens import KINDS
from tests.fakes import START
from tests.unit.service.stocked import ASKED, CENTOS, KEYS, TRIXIE, Stocked, stocked

MAC = "52:54:00:00:00:01"
SPEC = GuestSpec(
    "web1",
    "",
    "00000000-0000-4000-8000-000000000001",
    nics=(Nic("network", "default", MAC),),
    cloud_init=True,
)
INSTALL = Install("i1", "web1", MAC, SPEC.uuid, "", Stage.PLANNED, START, START)
REPORT = "http://192.168.122.1:8080/report/token/"
KEY = "ssh-ed25519 AAAA me: #1"


@pytest.fixture
async def world() -> Stocked:
    return await stocked()


def seed(**secrets: str) -> dict[str, Any]:
    files = dict(cloud_files(INSTALL, SPEC, secrets, REPORT))
    return {name: yaml.safe_load(text) for name, text in files.items()} | {"raw": files}


def test_a_seed_of_ours_names_the_guest_its_keys_and_where_it_reports() -> None:
    made = seed(ssh_keys=f"{KEY}\nssh-rsa BBBB you", root_password_hash="$6$a$b")

    user, meta = made["user-data"], made["meta-data"]
    root = next(user_ for user_ in user["users"] if isinstance(user_, dict))
    assert made["raw"]["user-data"].startswith("#cloud-config\n")
    assert (user["hostname"], meta["local-hostname"], meta["instance-id"]) == ("web1", "web1", "i1")
    assert user["ssh_authorized_keys"] == root["ssh_authorized_keys"] == [KEY, "ssh-rsa BBBB you"]
    assert (root["name"], root["hashed_passwd"], root["lock_passwd"]) == ("root", "$6$a$b", False)
    assert user["phone_home"]["url"] == "http://192.168.122.1:8080/report/token/first-boot"
    assert set(made["raw"]) == {"user-data", "meta-data"}


def test_without_keys_and_password_root_stays_as_the_image_has_it() -> None:
    user = seed()["user-data"]

    assert user["users"] == ["default"]
    assert not {"ssh_authorized_keys", "disable_root"} & set(user)


def test_a_users_own_texts_are_taken_as_they_are() -> None:
    own = {
        "user-data": "#!/bin/sh\necho $x\n",
        "meta-data": "instance-id: mine\n",
        "network-config": "a: 1\n",
    }

    assert dict(cloud_files(INSTALL, SPEC, {**own, "ssh_keys": KEY}, REPORT)) == own


@pytest.mark.parametrize("text", ['a"b', "a\\", "{{ 7 * 7 }}", "a: b # c", "é'"])
def test_what_a_key_says_breaks_out_of_nothing(text: str) -> None:
    key = f"ssh-ed25519 AAAA {text}"

    assert seed(ssh_keys=key)["user-data"]["ssh_authorized_keys"] == [key]


async def first_xml(world: Stocked, request: CreateGuest) -> str:
    return (await world.guests().drafts.new(request)).plan.first_xml


async def test_a_kernels_arguments_answer_its_installer_and_end_with_the_users(world: Stocked) -> None:
    text = await first_xml(world, CreateGuest("web1", "centos7", location="centos7", extra_args="quiet"))
    token = world.tokens().mint("i1", "answer", 1)

    (line,) = [row.strip() for row in text.splitlines() if "<cmdline>" in row]
    assert f"inst.ks=http://192.168.122.1:8080/answer/{token}/ks.cfg" in line
    assert "inst.repo=http://192.168.122.1:8080/tree/centos7 " in line
    assert line.endswith("quiet</cmdline>")


async def test_an_installer_that_reads_its_source_itself_is_told_that(
    world: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = replace(await world.memory.tree("centos7"), source="http://mirror.example/el7")
    await world.memory.put_tree(tree)

    text = await first_xml(world, CreateGuest("web1", "centos7", location="centos7", direct=True))

    assert "inst.repo=http://mirror.example/el7 " in text


async def test_who_answers_himself_is_given_the_tree_and_nothing_else(world: Stocked) -> None:
    asked = ASKED["url, answered by the user"].request
    text = await first_xml(world, asked)

    assert "inst.repo=http://192.168.122.1:8080/tree/at-" in text or "/tree/centos7" in text
    assert "inst.ks=http://x/y" in text
    assert [kind for kind in KINDS if kind != "stub" and world.tokens().mint("i1", kind, 1) in text] == []


async def test_the_seed_of_a_medium_is_the_profiles_answer_file(world: Stocked) -> None:
    draft = await world.guests().drafts.new(ASKED["iso"].request)
    await world.workshop.apply(draft.plan.steps[0])  # type: ignore[arg-type]

    (text,) = [world.libvirt.files[path].decode() for path in world.on_the_way()]
    report = world.tokens().mint("i1", "report", 1)
    assert f"http://192.168.122.1:8080/report/{report}/success" in text
    assert draft.answered == "ks.cfg is on the volume OEMDRV of web1"


async def test_an_installer_that_looks_on_no_volume_is_named_with_another_way(world: Stocked) -> None:
    await world.shelf.trees.add("debian13", TRIXIE)

    with pytest.raises(Invalid, match="family debian looks for its answers on no volume") as caught:
        await world.guests().create(CreateGuest("web1", "debian13", cdrom="rescue.iso"))

    assert "--location" in (caught.value.remedy or "")


async def test_keys_of_an_import_are_in_its_seed(world: Stocked) -> None:
    draft = await world.guests().drafts.new(ASKED["import, cloud-init"].request)
    await world.workshop.apply(draft.plan.steps[0])  # type: ignore[arg-type]

    (text,) = [world.libvirt.files[path].decode() for path in world.on_the_way()]
    assert KEYS[0] in text
    assert world.tokens().mint("i1", "report", 1) in text


async def test_a_tree_by_its_source_is_the_one_that_is_known(world: Stocked) -> None:
    draft = await world.guests().drafts.new(CreateGuest("web1", location=CENTOS))

    assert (draft.row.spec.tree, draft.row.spec.profile, draft.tree) == ("centos7", "centos7", None)
