"""What a plan is made from: secrets, arguments, the texts of a seed."""

import json
from dataclasses import replace

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.core.profile import Tree
from provisioner.plan.steps import MakeSeed
from provisioner.service.grounds import cloud_files
from provisioner.service.requests import CreateGuest
from provisioner.service.tokens import KINDS
from tests.fakes import START
from tests.unit.service.shelf import HereRenderer
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


OURS = """\
#cloud-config
hostname: "web1"
preserve_hostname: false
disable_root: false
users:
  - default
  - name: root
    lock_passwd: false
    hashed_passwd: "$6$a$b"
    ssh_authorized_keys:
      - "ssh-ed25519 AAAA me: #1"
      - "ssh-rsa BBBB you"
ssh_authorized_keys:
  - "ssh-ed25519 AAAA me: #1"
  - "ssh-rsa BBBB you"
write_files:
  - path: /etc/provisioner-install
    content: "i1\\n"
phone_home:
  url: "http://192.168.122.1:8080/report/token/first-boot"
  post: [hostname]
  tries: 20
"""
OWN = {"user-data": "#!/bin/sh\necho $x\n", "meta-data": "instance-id: mine\n", "network-config": "a: 1\n"}


async def seed(**secrets: str) -> dict[str, str]:
    return dict(await cloud_files(INSTALL, secrets, REPORT, HereRenderer().render))


async def test_a_seed_of_ours_names_the_guest_its_keys_and_where_it_reports() -> None:
    assert await seed(ssh_keys=f"{KEY}\nssh-rsa BBBB you", root_password_hash="$6$a$b") == {
        "user-data": OURS,
        "meta-data": 'instance-id: "i1"\nlocal-hostname: "web1"\n',
    }


async def test_without_keys_and_password_root_stays_as_the_image_has_it() -> None:
    user = (await seed())["user-data"]

    assert "users:\n  - default\nwrite_files:\n" in user
    assert "ssh_authorized_keys" not in user
    assert "disable_root" not in user


async def test_a_users_own_texts_are_taken_as_they_are() -> None:
    assert await seed(**OWN, ssh_keys=KEY) == OWN


@pytest.mark.parametrize("text", ['a"b', "a\\", "{{ 7 * 7 }}", "a: b # c", "é'", "- x"])
async def test_what_a_key_says_breaks_out_of_nothing(text: str) -> None:
    """Its text is a JSON string, and so a YAML string."""
    key = f"ssh-ed25519 AAAA {text}"
    text = (await seed(ssh_keys=key))["user-data"]
    (line,) = [row for row in text.splitlines() if row.startswith('  - "')]

    assert json.loads(line.removeprefix("  - ")) == key


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


async def test_autoyast_finds_its_answers_on_the_same_volume(world: Stocked) -> None:
    tree = Tree(
        "opensuse15.6", "/srv/leap", "suse", "15.6", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"
    )
    await world.memory.put_tree(tree)
    draft = await world.guests().drafts.new(
        CreateGuest("web1", "opensuse15.6", cdrom="rescue.iso", ssh_keys=KEYS)
    )
    (seed,) = [step for step in draft.plan.steps if isinstance(step, MakeSeed)]
    ((name, text),) = seed.files

    assert (seed.label, name) == ("OEMDRV", "autoinst.xml")
    assert world.tokens().mint("i1", "report", 1) in text


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


async def test_a_release_that_is_mended_no_more_is_told(world: Stocked) -> None:
    plan = await world.guests().dry_run(CreateGuest("web1", location=CENTOS))

    assert [line for line in plan.warnings if "support ended" in line] == [
        "centos7 gets no security updates any more: its maker's support ended on 2024-06-30"
    ]


async def test_a_foreign_system_is_told_what_it_asks_for(world: Stocked) -> None:
    plan = await world.guests().dry_run(CreateGuest("web1", cdrom="rescue.iso", osinfo="win11"))

    assert [line for line in plan.warnings if line.startswith("win11")] == [
        "win11 asks for 4096 MiB of memory at least; web1 has 1024 MiB",
        "win11 asks for a disk of 64 GiB; that of web1 has 8 GiB",
    ]
