"""What in a definition is other than in another; what is masked; what is set in it."""

import pytest

from provisioner.core.lab import Difference
from provisioner.plan.definition import differences, masked, unmasked, with_hardware

XML = """<domain type='qemu'>
  <name>web1</name>
  <metadata>
    <guest:guest xmlns:guest="urn:provisioner:guest:1"><guest:install>i1</guest:install></guest:guest>
  </metadata>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <sysinfo type='smbios'>
    <system>
      <entry name='serial'>a-token</entry>
    </system>
  </sysinfo>
  <os firmware='efi'>
    <type arch='x86_64' machine='pc-q35-8.2'>hvm</type>
  </os>
  <features>
    <acpi/>
    <pae/>
  </features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/p/web1-i1'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default'/>
    </interface>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1' passwd='expired'/>
  </devices>
</domain>
"""
EDITS = {
    "a text": ("<memory unit='KiB'>524288", "<memory unit='KiB'>262144", [("memory", "262144", "524288")]),
    "an attribute": (
        "<source network='default'/>",
        "<source network='other'/>",
        [("devices/interface[52:54:00:00:00:01]/source@network", "other", "default")],
    ),
    "what was taken away": ("    <acpi/>\n", "", [("features/acpi", "", "yes")]),
    "a disk that came": (
        "    <interface",
        "    <disk type='block'><target dev='vdb'/></disk>\n    <interface",
        [("devices/disk[vdb]@type", "block", ""), ("devices/disk[vdb]/target@dev", "vdb", "")],
    ),
    "a disk that was moved": (
        "/p/web1-i1",
        "/p/other",
        [("devices/disk[vda]/source@file", "/p/other", "/p/web1-i1")],
    ),
    "what libvirt fills in": (
        "    <type arch",
        "    <nvram template='/x'>/y</nvram><loader type='pflash'>/z</loader>\n    <type arch",
        [],
    ),
    "a controller that came with a device": (
        "    <interface",
        "    <controller type='virtio-serial' index='0'/>\n    <interface",
        [],
    ),
    "an address that libvirt gave": ("bus='0x03'", "bus='0x04'", []),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_told_by_its_place(edit: str) -> None:
    old, new, told = EDITS[edit]
    assert old in XML

    found = differences(XML, XML.replace(old, new))

    assert found == tuple(Difference(f"xml {path}", is_, was) for path, is_, was in told)


def test_what_our_own_hand_changes_is_no_difference_after_a_rebuild() -> None:
    rebuilt = XML.replace("web1-i1", "web1-i2").replace("install>i1<", "install>i2<")

    assert differences(XML, rebuilt, moved=True) == ()
    assert len(differences(XML, rebuilt)) == 2
    edited = rebuilt.replace("<acpi/>", "<apic/>")
    assert [one.path for one in differences(XML, edited, moved=True)] == [
        "xml features/acpi",
        "xml features/apic",
    ]


def test_the_boot_token_and_passwords_are_masked_and_put_back() -> None:
    told = masked(XML.replace("passwd='expired'", "passwd='hunter2'"))

    assert "a-token" not in told and "hunter2" not in told
    assert unmasked(told, "a-token") == XML
    assert unmasked(masked(XML), "a-token") == XML


def test_memory_and_processors_are_set_and_nothing_else() -> None:
    set_ = with_hardware(XML, 1024, 4)

    assert "<memory unit='KiB'>1048576</memory>" in set_
    assert "<currentMemory unit='KiB'>1048576</currentMemory>" in set_
    assert "<vcpu placement='static'>4</vcpu>" in set_
    assert with_hardware(set_, 512, 1) == XML
