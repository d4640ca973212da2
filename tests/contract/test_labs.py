"""What applies of labs made, and the definitions of guests, in every store alike."""

from dataclasses import replace

from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.core.lab import Ref
from provisioner.service.ports import GuestRow, LabThing, Seal, Store
from tests.fakes import START

WEB, NET = Ref("guest", "web1"), Ref("network", "lab", "rack1")
GUEST = LabThing("shop", WEB, {"memory": 512, "disks": ["size=4"]}, begun=True)
NETWORK = LabThing("shop", NET, {"mode": "nat"}, "rack1", made=False)
SEAL = Seal("web1", "i1/web1-i1", "ab" * 32, "<domain/>", "cd" * 32)


async def test_a_labs_things_are_put_replaced_and_forgotten(store: Store) -> None:
    other = replace(GUEST, lab="other")
    await store.put_lab_things([GUEST, NETWORK, other])

    assert await store.lab_things("shop") == [GUEST, NETWORK]
    assert await store.lab_things() == [other, GUEST, NETWORK]

    await store.put_lab_things([replace(GUEST, begun=False, wanted={})])
    assert await store.lab_things("shop") == [replace(GUEST, begun=False, wanted={}), NETWORK]

    await store.remove_lab_things("shop", [WEB, Ref("network", "lab")])
    assert await store.lab_things() == [other, NETWORK]


async def test_nothing_to_put_or_forget_is_no_error(store: Store) -> None:
    await store.put_lab_things([])
    await store.remove_lab_things("shop", [])
    await store.put_seals([])

    assert await store.lab_things() == []


async def test_a_seal_goes_with_its_guest(store: Store) -> None:
    spec = GuestSpec(
        "web1", "tiny", "00000000-0000-4000-8000-000000000001", nics=(Nic("user", "", "52:54:00:00:00:01"),)
    )
    install = Install("i1", "web1", spec.mac, spec.uuid, "tiny", Stage.PLANNED, START, START)
    await store.add_install(install, GuestRow(spec, "i1", "web1-i1", START, {}))
    await store.put_seals([SEAL, replace(SEAL, guest="nobody")])

    assert await store.seals() == [replace(SEAL, xml="")]
    assert await store.seal("web1") == SEAL
    await store.put_seals([replace(SEAL, digest="ef" * 32)])
    assert (await store.seals())[0].digest == "ef" * 32

    await store.remove_guest("web1")
    assert (await store.seals(), await store.seal("web1")) == ([], None)
