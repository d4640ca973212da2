"""From a request to its method, its spec and its secrets."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, Nic
from provisioner.core.host import HostFacts
from provisioner.core.machine import Machine
from provisioner.core.profile import Profile
from provisioner.service.requests import CreateGuest
from provisioner.service.specs import check_answered, method_of, secrets_of, spec_of
from tests.fakes import FACTS, PROFILE, CountingIds, FakeClock
from tests.memory import MemoryStore

ASKED = CreateGuest("web1", "tiny")
BARE = CreateGuest("web1")
HOSTS = base64.b64encode(b"127.0.0.1 localhost\n").decode()


def asked(request: CreateGuest = ASKED, **changes: Any) -> CreateGuest:
    return replace(request, **changes)


METHODS: dict[str, tuple[CreateGuest, str]] = {
    "nothing said": (ASKED, "pxe"),
    "pxe": (asked(method="pxe"), "pxe"),
    "a location": (asked(location="el9"), "url"),
    "a location and its method": (asked(location="el9", method="url"), "url"),
    "the profile's tree": (asked(method="url"), "url"),
    "a medium": (asked(cdrom="rescue.iso"), "iso"),
    "a medium without a profile": (asked(BARE, cdrom="rescue.iso"), "iso"),
    "an image": (asked(BARE, method="import", disks=("/srv/a.qcow2",)), "import"),
    "files for the initrd": (asked(location="el9", files={"hosts": HOSTS}), "url"),
    "read by the installer itself": (asked(location="el9", direct=True), "url"),
    "a seed of ours": (asked(BARE, method="import", cloud_init={}), "import"),
}


@pytest.mark.parametrize(("request_", "method"), METHODS.values(), ids=METHODS)
def test_the_method_follows_from_what_is_given(request_: CreateGuest, method: str) -> None:
    assert method_of(request_) == method


NO_METHOD: dict[str, tuple[CreateGuest, str]] = {
    "a location and a medium": (
        asked(location="el9", cdrom="a.iso"),
        "guest web1: --location and --cdrom are two different methods; give one",
    ),
    "a location and pxe": (
        asked(location="el9", method="pxe"),
        "guest web1: --location does not go with the method pxe",
    ),
    "a medium and import": (
        asked(cdrom="a.iso", method="import"),
        "guest web1: --cdrom does not go with the method import",
    ),
    "iso without a medium": (asked(method="iso"), "guest web1: the method iso needs --cdrom FILE"),
    "url without a tree": (asked(BARE, method="url"), "guest web1: the method url needs --location TREE"),
    "direct by pxe": (asked(direct=True), "guest web1: --direct is for the method url, not for pxe"),
    "files by iso": (
        asked(cdrom="a.iso", files={"a": ""}),
        "guest web1: --initrd-inject is for the method url, not for iso",
    ),
    "a seed by pxe": (
        asked(cloud_init={"user-data": "#cloud-config"}),
        "guest web1: --cloud-init is for the method import, not for pxe",
    ),
    "a seed of ours by iso": (
        asked(BARE, cdrom="a.iso", cloud_init={}),
        "guest web1: --cloud-init is for the method import, not for iso",
    ),
}


@pytest.mark.parametrize(("request_", "sentence"), NO_METHOD.values(), ids=NO_METHOD)
def test_two_methods_at_once_are_refused(request_: CreateGuest, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        method_of(request_)

    assert str(caught.value) == sentence


async def spec_for(request: CreateGuest, profile: Profile | None = PROFILE, host: HostFacts = FACTS) -> Any:
    store = MemoryStore(FakeClock())
    await store.add_machine(Machine("rack1", "52:54:00:00:00:01"))
    return await spec_of(request, profile, method_of(request), host, store, CountingIds())


SPECS: dict[str, tuple[CreateGuest, Profile | None, dict[str, Any]]] = {
    "what the profile says": (
        ASKED,
        PROFILE,
        {
            "profile": "tiny",
            "memory": 512,
            "vcpus": 1,
            "disks": (Disk(1),),
            "nics": (Nic("network", "default", "52:54:00:00:00:02"),),
            "boot": "bios",
            "graphics": "none",
            "method": "pxe",
            "uuid": "00000000-0000-4000-8000-000000000001",
        },
    ),
    "without a profile": (
        asked(BARE, location="el9", extra_args="inst.ks=http://x/y"),
        None,
        {"profile": "", "memory": 1024, "vcpus": 1, "disks": (Disk(8),), "graphics": "none", "method": "url"},
    ),
    "a medium that asks its questions": (
        asked(BARE, cdrom="a.iso"),
        None,
        {"profile": "", "graphics": "vnc", "method": "iso"},
    ),
    "a medium that asks on the serial line": (
        asked(BARE, cdrom="a.iso", graphics="none"),
        None,
        {"graphics": "none"},
    ),
    "a medium that a profile answers": (asked(cdrom="a.iso"), PROFILE, {"graphics": "none"}),
    "several disks and cards": (
        asked(
            disks=("size=2", "vol=fast/old,format=raw"),
            networks=("default", "bridge=br0,mac=52:54:00:AA:00:01", "user"),
        ),
        PROFILE,
        {
            "disks": (Disk(2), Disk(0, "fast", "raw", volume="old")),
            "nics": (
                Nic("network", "default", "52:54:00:00:00:02"),
                Nic("bridge", "br0", "52:54:00:aa:00:01"),
                Nic("user", "", "52:54:00:00:00:03"),
            ),
        },
    ),
    "the first card's address": (
        asked(mac="52-54-00-AA-00-01", networks=("default", "bridge=br0")),
        PROFILE,
        {
            "nics": (
                Nic("network", "default", "52:54:00:aa:00:01"),
                Nic("bridge", "br0", "52:54:00:00:00:02"),
            )
        },
    ),
    "Secure Boot": (asked(boot="uefi,secure=on"), PROFILE, {"boot": "uefi", "secure": True, "rom": False}),
    "UEFI": (asked(boot="uefi"), PROFILE, {"boot": "uefi", "secure": False, "rom": True}),
    "a linked image with a seed": (
        asked(BARE, method="import", disks=("a.qcow2,linked=on,size=20",), cloud_init={}),
        None,
        {"disks": (Disk(20, image="a.qcow2", linked=True),), "cloud_init": True, "method": "import"},
    ),
    "an image and a disk to be made": (
        asked(BARE, method="import", disks=("a.qcow2", "size=4")),
        None,
        {"disks": (Disk(0, image="a.qcow2"), Disk(4)), "cloud_init": False},
    ),
    "all the rest": (
        asked(cpu="host-model", extra_args="quiet", autostart=True, rom=False, memory=768, vcpus=3),
        PROFILE,
        {
            "cpu": "host-model",
            "extra_args": "quiet",
            "autostart": True,
            "rom": False,
            "memory": 768,
            "vcpus": 3,
        },
    ),
}


@pytest.mark.parametrize(("request_", "profile", "expected"), SPECS.values(), ids=SPECS)
async def test_what_is_left_out_is_filled_in(
    request_: CreateGuest, profile: Profile | None, expected: dict[str, Any]
) -> None:
    spec = await spec_for(request_, profile)

    assert {name: getattr(spec, name) for name in expected} == expected


NO_SPEC: dict[str, tuple[CreateGuest, str]] = {
    "an import without a disk": (
        asked(BARE, method="import"),
        "guest web1: an import needs its disk image",
    ),
    "an import onto an empty disk": (
        asked(BARE, method="import", disks=("size=4",)),
        "guest web1: the first disk of an import is a disk image or an existing volume",
    ),
    "an image without --import": (
        asked(disks=("/srv/a.qcow2",)),
        "guest web1: --disk /srv/a.qcow2 is a disk image, which only the first disk of an import is made",
    ),
    "an image as the second disk": (
        asked(BARE, method="import", disks=("a.qcow2", "b.qcow2")),
        "guest web1: --disk b.qcow2 is a disk image, which only the first disk of an import is made from",
    ),
    "pxe onto a volume that exists": (
        asked(disks=("vol=default/old",)),
        "guest web1: a volume that exists boots what is on it before it asks the network",
    ),
    "graphics": (asked(graphics="spice"), "guest web1: --graphics spice is not known; use vnc or none"),
    "firmware": (asked(boot="floppy"), "--boot 'floppy' is not understood; write bios, uefi or"),
    "Secure Boot with a BIOS": (asked(boot="bios,secure=on"), "guest web1: Secure Boot needs UEFI"),
    "one MAC for two cards": (
        asked(networks=("default,mac=52:54:00:00:00:07", "bridge=br0,mac=52:54:00:00:00:07")),
        "guest web1: two of its network cards have the same MAC address",
    ),
    "the second disk's key": (asked(disks=("size=2", "size=2,pol=x")), "(did you mean pool?)"),
}


@pytest.mark.parametrize(("request_", "sentence"), NO_SPEC.values(), ids=NO_SPEC)
async def test_what_cannot_be_a_guest_is_one_sentence(request_: CreateGuest, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        await spec_for(request_)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_secret_is_kept_beside_the_spec() -> None:
    request = asked(
        ssh_keys=(" ssh-ed25519 AAAA me \n", "ecdsa-sha2-nistp256 BBBB"),
        root_password_hash="$6$a$b",
        files={"hosts": HOSTS},
        cloud_init={"user-data": "#cloud-config\n", "network-config": "version: 2\n", "meta-data": ""},
    )

    assert secrets_of(request) == {
        "root_password_hash": "$6$a$b",
        "ssh_keys": "ssh-ed25519 AAAA me\necdsa-sha2-nistp256 BBBB",
        "user-data": "#cloud-config\n",
        "network-config": "version: 2\n",
        "inject:hosts": HOSTS,
    }


def test_a_guests_variables_are_kept_with_hashes_for_passwords() -> None:
    users = [{"name": "ann", "password": "hunter2"}, {"name": "bob"}]
    kept = secrets_of(asked(variables={"vlan": 42, "root_password": "hunter2", "users": users}))["variables"]
    found = json.loads(kept)

    assert "hunter2" not in kept
    assert set(found) == {"vlan", "root_password_hash", "users"}
    assert found["root_password_hash"].startswith("$6$")
    assert found["users"][0]["password_hash"].startswith("$6$")
    assert found["users"][1] == {"name": "bob"}


NO_SECRET: dict[str, tuple[dict[str, Any], str]] = {
    "a private key": ({"ssh_keys": ("-----BEGIN",)}, "SSH key 1 is not a public key"),
    "a plain password": ({"root_password_hash": "hunter2"}, "not a crypt(3) hash"),
    "a file with a path": ({"files": {"../hosts": HOSTS}}, "'../hosts' is no name for a file in an initrd"),
    "a file in a folder": ({"files": {"etc/hosts": HOSTS}}, "'etc/hosts' is no name for a file in an initrd"),
    "a hidden file": ({"files": {".hosts": HOSTS}}, "'.hosts' is no name for a file in an initrd"),
    "a file that is no base64": ({"files": {"hosts": "a b"}}, "the content of hosts is not base64"),
    "files beyond the bound": (
        {"files": {"a": base64.b64encode(bytes(512 * 1024 + 1)).decode()}},
        "the files for the initrd are larger than 512 KiB",
    ),
    "a variable that is none": (
        {"variables": {"vlan": 5000}},
        "guest web1: variable vlan = '5000' is no VLAN: they have the numbers 1 to 4094",
    ),
    "a text that cloud-init does not read": (
        {"cloud_init": {"vendor-data": "x"}},
        "cloud-init knows no vendor-data; known are user-data, meta-data, network-config",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), NO_SECRET.values(), ids=NO_SECRET)
def test_a_secret_that_is_none_is_refused_and_not_repeated(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        secrets_of(asked(**changes))

    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_variables_are_for_an_answer_file() -> None:
    check_answered(asked(), None)
    check_answered(asked(variables={"vlan": 5}), PROFILE)
    with pytest.raises(
        Invalid, match="guest web1: --var is for a profile's answer file, and there is no profile"
    ):
        check_answered(asked(variables={"vlan": 5}), None)


SESSION = replace(FACTS, uri="qemu:///session", session=True)
FAR = replace(SESSION, uri="qemu+ssh://far.example/session")
FIRST, SECOND = "52:54:00:00:00:02", "52:54:00:00:00:03"
USERS: dict[str, tuple[HostFacts, tuple[str, ...], tuple[Nic, ...]]] = {
    "a user's own libvirt": (SESSION, (), (Nic("user", "", FIRST, forward=20001),)),
    "asked for elsewhere": (FACTS, ("user",), (Nic("user", "", FIRST, forward=20001),)),
    "another machine, whose loopback is not ours": (FAR, (), (Nic("user", "", FIRST),)),
    "beside another card": (
        FACTS,
        ("user,model=e1000", "user"),
        (Nic("user", "", FIRST, "e1000", forward=20001), Nic("user", "", SECOND)),
    ),
}


@pytest.mark.parametrize(("host", "networks", "nics"), USERS.values(), ids=USERS)
async def test_the_first_card_on_the_user_network_has_its_port(
    host: HostFacts, networks: tuple[str, ...], nics: tuple[Nic, ...]
) -> None:
    assert (await spec_for(asked(networks=networks), host=host)).nics == nics
