"""Disks, cards and firmware as they are written, and what a spec refuses."""

from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, GuestSpec, Nic, parse_boot, with_macs

DISKS: dict[str, Disk] = {
    "size=4": Disk(4),
    "size=0.5,pool=fast": Disk(0.5, "fast"),
    "size=4,format=raw,bus=scsi,cache=none": Disk(4, format="raw", bus="scsi", cache="none"),
    "size=4,bus=usb": Disk(4, bus="usb"),
    "/srv/cloud.qcow2": Disk(0, image="/srv/cloud.qcow2"),
    "/srv/cloud.qcow2,size=20": Disk(20, image="/srv/cloud.qcow2"),
    "path=/srv/cloud.qcow2,linked=on": Disk(0, image="/srv/cloud.qcow2", linked=True),
    "debian.qcow2,size=20,linked=yes,pool=fast": Disk(20, "fast", image="debian.qcow2", linked=True),
    "debian.qcow2,linked=off": Disk(0, image="debian.qcow2"),
    "vol=fast/old": Disk(0, "fast", volume="old"),
    "vol=fast/old,format=raw,bus=sata": Disk(0, "fast", "raw", "sata", volume="old"),
    "vol=fast/a/b": Disk(0, "fast", volume="a/b"),
}

WRONG_DISKS: dict[str, str] = {
    "": "--disk is empty; known are size=, pool=, format=, bus=, path=, linked=, vol=, cache=",
    "pool=fast": "--disk 'pool=fast': size= is missing; write size=4 for 4 GiB",
    "size=x": "--disk 'size=x': size=x is not a number of GiB",
    "size=0": "--disk 'size=0': size=0 must be above 0 and at most 65536 GiB",
    "size=-1": "--disk 'size=-1': size=-1 must be above 0 and at most 65536 GiB",
    "size=nan": "--disk 'size=nan': size=nan must be above 0 and at most 65536 GiB",
    "size=65537": "--disk 'size=65537': size=65537 must be above 0 and at most 65536 GiB",
    "sise=4": "--disk 'sise=4': 'sise=4' is not understood (did you mean size?); known are size=, pool=, "
    "format=, bus=, path=, linked=, vol=, cache=",
    "size=4,poool=x": "--disk 'size=4,poool=x': 'poool=x' is not understood (did you mean pool?)",
    "size=4,zzz=1": "--disk 'size=4,zzz=1': 'zzz=1' is not understood; known are",
    "size=4,pool=": "--disk 'size=4,pool=': 'pool=' is not understood (did you mean pool?)",
    "size=4,fast": "--disk 'size=4,fast': 'fast' is not understood",
    "size=4,format=qcow": "--disk 'size=4,format=qcow': format=qcow is not known (did you mean qcow2?); "
    "use qcow2, raw",
    "size=4,bus=virtual": "--disk 'size=4,bus=virtual': bus=virtual is not known (did you mean virtio?); "
    "use virtio, scsi, sata, ide, usb",
    "size=4,cache=off": "--disk 'size=4,cache=off': cache=off is not known; use none, writeback",
    "a.qcow2,linked=perhaps": "--disk 'a.qcow2,linked=perhaps': linked=perhaps is neither on nor off",
    "size=4,linked=on": "--disk 'size=4,linked=on': linked=on is for a disk image",
    "a.raw,format=raw,linked=on": "--disk 'a.raw,format=raw,linked=on': linked=on is for a disk image",
    "vol=old": "--disk 'vol=old': write vol=POOL/VOLUME",
    "vol=/old": "--disk 'vol=/old': write vol=POOL/VOLUME",
    "vol=fast/": "--disk 'vol=fast/': write vol=POOL/VOLUME",
    "vol=fast/old,size=4": "--disk 'vol=fast/old,size=4': write vol=POOL/VOLUME for a volume that exists",
    "vol=fast/old,pool=slow": "--disk 'vol=fast/old,pool=slow': write vol=POOL/VOLUME",
    "a.qcow2,vol=fast/old": "--disk 'a.qcow2,vol=fast/old': write vol=POOL/VOLUME",
}

NICS: dict[str, Nic] = {
    "network=default": Nic("network", "default"),
    "default": Nic("network", "default"),
    "bridge=br0": Nic("bridge", "br0"),
    "bridge=br0,mac=52-54-00-AA-BB-CC": Nic("bridge", "br0", "52:54:00:aa:bb:cc"),
    "network=default,model=e1000": Nic("network", "default", model="e1000"),
    "type=direct,source=eth0": Nic("direct", "eth0"),
    "type=direct,source=eth0,source_mode=vepa": Nic("direct", "eth0", mode="vepa"),
    "type=direct,source=eth0,source.mode=private": Nic("direct", "eth0", mode="private"),
    "type=network,source=default": Nic("network", "default"),
    "type=bridge,source=br0": Nic("bridge", "br0"),
    "user": Nic("user", ""),
    "type=user,model=rtl8139": Nic("user", "", model="rtl8139"),
    "user,mac=52:54:00:00:00:09": Nic("user", "", "52:54:00:00:00:09"),
}

WRONG_NICS: dict[str, str] = {
    "": "--network is empty; known are network=, bridge=, type=, source=, source_mode=, source.mode=",
    "netwrk=default": "--network 'netwrk=default': 'netwrk=default' is not understood (did you mean network",
    "network=default,mdl=e1000": "'mdl=e1000' is not understood (did you mean model?)",
    "network=default,model=virtual": "model=virtual is not known (did you mean virtio?); use virtio, e1000",
    "network=default,mac=nonsense": "'nonsense' is not a MAC address",
    "type=direct": "--network 'type=direct': write network=NAME, bridge=NAME, type=direct,source=DEVICE or",
    "type=dierct,source=eth0": "type=dierct is not known (did you mean direct?); use network, bridge, direct",
    "type=direct,source=eth0,source_mode=brdge": "source_mode=brdge is not known (did you mean bridge?)",
    "source=eth0": "--network 'source=eth0': write network=NAME",
    "mac=52:54:00:00:00:01": "--network 'mac=52:54:00:00:00:01': write network=NAME",
}

BOOTS = {
    "bios": ("bios", False),
    "hvm": ("bios", False),
    "uefi": ("uefi", False),
    "uefi,secure=on": ("uefi", True),
    "uefi,secure": ("uefi", True),
    "uefi,secure=off": ("uefi", False),
}

WRONG_BOOTS = {
    "": "--boot '' is not understood; write bios, uefi or uefi,secure=on",
    "efi": "--boot 'efi' is not understood; write bios, uefi or uefi,secure=on",
    "uefi,secur=on": "'secur=on' is not understood (did you mean secure?); known are secure=",
    "uefi,secure=perhaps": "--boot 'uefi,secure=perhaps': secure=perhaps is neither on nor off",
    "cdrom,hd": "--boot 'cdrom,hd' is not understood",
}


@pytest.mark.parametrize(("text", "disk"), DISKS.items(), ids=DISKS)
def test_a_disk_as_it_is_written(text: str, disk: Disk) -> None:
    assert Disk.parse(text) == disk


@pytest.mark.parametrize(("text", "nic"), NICS.items(), ids=NICS)
def test_a_card_as_it_is_written(text: str, nic: Nic) -> None:
    assert Nic.parse(text) == nic


@pytest.mark.parametrize(("text", "boot"), BOOTS.items(), ids=BOOTS)
def test_firmware_as_it_is_written(text: str, boot: tuple[str, bool]) -> None:
    assert parse_boot(text) == boot


WRONG = [
    *((Disk.parse, *row) for row in WRONG_DISKS.items()),
    *((Nic.parse, *row) for row in WRONG_NICS.items()),
    *((parse_boot, *row) for row in WRONG_BOOTS.items()),
]


@pytest.mark.parametrize(("parse", "text", "sentence"), WRONG, ids=[f"{row[1]!r}" for row in WRONG])
def test_what_is_not_understood_is_one_sentence_with_the_nearest_word(
    parse: Any, text: str, sentence: str
) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


ONE = Nic("network", "default", "52:54:00:00:00:01")
SPEC = GuestSpec("web1", "tiny", "00000000-0000-4000-8000-000000000001", nics=(ONE,))

SPECS: dict[str, tuple[dict[str, Any], str]] = {
    "no card": ({"nics": ()}, "at least one disk and one network card"),
    "no disk": ({"disks": ()}, "at least one disk and one network card"),
    "a card without a MAC": ({"nics": (Nic("network", "default"),)}, "not a MAC address"),
    "a MAC in capitals": ({"nics": (replace(ONE, mac="52:54:00:AA:00:01"),)}, "must be in canonical form"),
    "one MAC twice": ({"nics": (ONE, replace(ONE, source="lan"))}, "two of its network cards have the same"),
    "too little memory": ({"memory": 127}, "memory 127 MiB is out of range; 128 MiB is the least"),
    "no vCPU": ({"vcpus": 0}, "0 vCPUs is out of range; 1 to 710"),
    "Secure Boot with a BIOS": ({"secure": True}, "Secure Boot needs UEFI"),
    "a line break in the arguments": ({"extra_args": "a\nb"}, "line break"),
    "a UUID in capitals": ({"uuid": "AAAAAAAA-0000-4000-8000-000000000001"}, "UUID must be in canonical"),
    "a name with a blank": ({"name": "web 1"}, "guest name 'web 1' is not usable"),
}


@pytest.mark.parametrize(("change", "sentence"), SPECS.values(), ids=SPECS)
def test_a_spec_that_cannot_be_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        replace(SPEC, **change)


def test_the_first_disk_and_card_are_those_that_it_is_installed_by() -> None:
    spec = replace(SPEC, disks=(Disk(1), Disk(2)), nics=(ONE, replace(ONE, mac="52:54:00:00:00:02")))

    assert (spec.disk, spec.nic, spec.mac) == (Disk(1), ONE, "52:54:00:00:00:01")


def test_who_has_neither_profile_nor_seed_is_reported_by_nobody() -> None:
    told = [replace(SPEC, profile=p, cloud_init=c).unmanaged for p in ("", "p") for c in (False, True)]

    assert told == [True, False, False, False]


def test_cards_are_given_their_addresses_in_order() -> None:
    nics = (Nic("network", "a"), Nic("bridge", "b", "52:54:00:00:00:07"))

    assert [nic.mac for nic in with_macs(nics, ("52:54:00:00:00:01", "52:54:00:00:00:02"))] == [
        "52:54:00:00:00:01",
        "52:54:00:00:00:02",
    ]
