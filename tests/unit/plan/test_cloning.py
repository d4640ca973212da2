"""What a clone has of its own, what it shares, and which disks cannot be cloned."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from provisioner.core.errors import Conflict
from provisioner.plan.cloning import (
    Blueprint,
    DiskVolume,
    Identity,
    clone_xml,
    interfaces,
    moved_xml,
    plan_clone,
)
from provisioner.plan.naming import NAMESPACE
from provisioner.plan.steps import CopyNvram, CopyVolume, DefineDomain, LinkVolume

UUID = "11111111-1111-4111-8111-111111111111"
NEW = Identity(
    "web2",
    "22222222-2222-4222-8222-222222222222",
    ("52:54:00:00:00:02", "52:54:00:00:00:03"),
    "abcdef012345",
    "s" * 43,
    "/var/log/provisioner/abcdef012345.log",
)
XML = f"""<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <name>web1</name>
  <uuid>{UUID}</uuid>
  <genid>33333333-3333-4333-8333-333333333333</genid>
  <metadata>
    <guest:guest xmlns:guest="{NAMESPACE}">
      <guest:install>i1</guest:install>
      <guest:profile>tiny</guest:profile>
    </guest:guest>
  </metadata>
  <sysinfo type="smbios">
    <system>
      <entry name="manufacturer">somebody</entry>
      <entry name="serial">the-old-token</entry>
      <entry name="uuid">{UUID}</entry>
    </system>
  </sysinfo>
  <os firmware="efi">
    <type>hvm</type>
    <nvram template="/usr/share/OVMF/VARS.fd">/var/lib/libvirt/qemu/nvram/web1_VARS.fd</nvram>
  </os>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw" discard="unmap"/>
      <source file="/pool/web1-i1"/>
      <backingStore/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <disk type="volume" device="disk">
      <driver name="qemu" type="qcow2"/>
      <source pool="fast" volume="web1-i1-vdb"/>
      <target dev="vdb" bus="virtio"/>
    </disk>
    <disk type="file" device="cdrom">
      <source file="/pool/seed.iso"/>
      <target dev="sda" bus="sata"/>
      <readonly/>
    </disk>
    <interface type="bridge">
      <mac address="52:54:00:00:00:01"/>
      <virtualport type="openvswitch"><parameters interfaceid="{UUID}" profileid="p"/></virtualport>
    </interface>
    <interface type="network"><mac address="52:54:00:00:01:01"/></interface>
    <serial type="pty"><log file="/var/log/provisioner/i1.log" append="on"/></serial>
    <channel type="unix">
      <source mode="bind" path="/var/lib/libvirt/qemu/channel/target/domain-1-web1/org.qemu.guest_agent.0"/>
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <graphics type="vnc" port="-1" autoport="yes" passwd="secret12"/>
  </devices>
  <qemu:commandline><qemu:arg value="-nothing"/></qemu:commandline>
</domain>"""
DISKS = (
    DiskVolume("vda", "/pool/web1-i1", "default", "web1-i1", "raw", 1 << 30, holds="raw"),
    DiskVolume("vdb", "/fast/web1-i1-vdb", "fast", "web1-i1-vdb", "qcow2", 1 << 30, holds="qcow2"),
)
FOUND = Blueprint(XML, False, DISKS, nvram="/var/lib/libvirt/qemu/nvram/web1_VARS.fd")


def texts(root: ElementTree.Element, *paths: str) -> list[str | None]:
    return [root.findtext(path) for path in paths]


def test_a_clone_has_an_identity_of_its_own() -> None:
    names = {"vda": "web2-abcdef012345", "vdb": "web2-abcdef012345-vdb"}
    root = ElementTree.fromstring(clone_xml(XML, NEW, names, linked=True))

    tag = f"metadata/{{{NAMESPACE}}}guest/{{{NAMESPACE}}}"
    assert texts(root, "name", "uuid", f"{tag}install") == ["web2", NEW.uuid, NEW.install]
    assert root.findtext(f"{tag}profile") == "tiny"
    entries = {entry.get("name"): entry.text for entry in root.iterfind("sysinfo/system/entry")}
    assert entries == {"manufacturer": "somebody", "serial": NEW.serial, "uuid": NEW.uuid}
    assert tuple(mac.get("address") for mac in root.iterfind("devices/interface/mac")) == NEW.macs
    assert texts(root, "os/nvram", "genid") == ["/var/lib/libvirt/qemu/nvram/web2_VARS.fd", ""]
    log = root.find("devices/serial/log")
    assert log is not None and log.get("file") == NEW.log
    assert root.find("devices/channel/source") is None
    parameters = root.find("devices/interface/virtualport/parameters")
    assert parameters is not None and parameters.attrib == {"profileid": "p"}


def test_a_clone_is_on_its_own_disks_and_shares_what_is_read_only() -> None:
    names = {"vda": "web2-a", "vdb": "web2-a-vdb"}
    root = ElementTree.fromstring(clone_xml(XML, NEW, names, linked=True))

    sources = [source.attrib for source in root.iterfind("devices/disk/source")]
    assert sources == [
        {"file": "/pool/web2-a"},
        {"pool": "fast", "volume": "web2-a-vdb"},
        {"file": "/pool/seed.iso"},
    ]
    drivers = [driver.attrib for driver in root.iterfind("devices/disk/driver")]
    assert drivers[0] == {"name": "qemu", "type": "qcow2", "discard": "unmap"}
    assert root.find("devices/disk/backingStore") is None


def test_nothing_of_the_source_is_left_in_a_clone() -> None:
    text = clone_xml(XML, NEW, {"vda": "web2-a", "vdb": "web2-b"}, linked=True)

    for word in ("web1", UUID, "the-old-token", "52:54:00:00:00:01", "i1.log"):
        assert word not in text
    assert "secret12" in text and "-nothing" in text


def test_a_moved_source_is_the_same_but_for_its_disks() -> None:
    moved = moved_xml(XML, {"vda": "web1-abc", "vdb": "web1-abc-vdb"})
    back = moved.replace("web1-abc-vdb", "web1-i1-vdb").replace("web1-abc", "web1-i1")

    before, after = (ElementTree.fromstring(text) for text in (XML, back))
    assert texts(after, "name", "uuid") == texts(before, "name", "uuid")
    assert after.findall("devices/disk/source")[0].attrib == {"file": "/pool/web1-i1"}
    assert [mac.attrib for mac in after.iter("mac")] == [mac.attrib for mac in before.iter("mac")]


def test_a_linked_clone_freezes_each_disk_under_both() -> None:
    plan = plan_clone("web1", UUID, FOUND, NEW, linked=True)

    links = [step for step in plan.steps if isinstance(step, LinkVolume)]
    assert [(step.pool, step.name, step.base, step.format) for step in links] == [
        ("default", "web2-abcdef012345", "web1-i1", "raw"),
        ("default", "web1-abcdef012345", "web1-i1", "raw"),
        ("fast", "web2-abcdef012345-vdb", "web1-i1-vdb", "qcow2"),
        ("fast", "web1-abcdef012345-vdb", "web1-i1-vdb", "qcow2"),
    ]
    moved, made, nvram = plan.steps[4:]
    assert isinstance(moved, DefineDomain) and isinstance(made, DefineDomain)
    assert (moved.name, moved.replaces, made.name, made.replaces) == ("web1", True, "web2", False)
    assert nvram == CopyNvram("web2", NEW.uuid, FOUND.nvram)
    assert plan.own == (("default", "web2-abcdef012345"), ("fast", "web2-abcdef012345-vdb"))
    assert plan.moved == (
        (("default", "web1-i1"), ("default", "web1-abcdef012345")),
        (("fast", "web1-i1-vdb"), ("fast", "web1-abcdef012345-vdb")),
    )


def test_the_next_linked_clone_stands_on_the_same_base() -> None:
    top = replace(DISKS[0], name="web1-first", format="qcow2", holds="qcow2", base=DISKS[0])
    plan = plan_clone("web1", UUID, replace(FOUND, disks=(top,)), NEW, linked=True)

    link, made, _nvram = plan.steps
    assert link == LinkVolume("default", "web2-abcdef012345", "web1-i1", "/pool/web1-i1", "raw", 1 << 30)
    assert isinstance(made, DefineDomain) and made.name == "web2"
    assert plan.moved == ()


def test_a_full_clone_leaves_the_source_alone() -> None:
    plan = plan_clone("web1", UUID, replace(FOUND, nvram=""), NEW, linked=False)

    first, second, made = plan.steps
    assert first == CopyVolume("default", "web2-abcdef012345", "web1-i1", "raw")
    assert second == CopyVolume("fast", "web2-abcdef012345-vdb", "web1-i1-vdb", "qcow2")
    assert isinstance(made, DefineDomain) and 'type="raw"' in made.xml
    assert plan.moved == ()


NO_BASE = {
    "in no pool": (DiskVolume("vda", "/home/me/disk.img"), True, "vda (/home/me/disk.img) is in no active"),
    "in no pool, full": (DiskVolume("vda", "/home/me/disk.img"), False, "is in no active storage pool"),
    "a raw disk that pretends": (
        replace(DISKS[0], holds="qcow2"),
        False,
        "holds qcow2, not raw as its domain",
    ),
    "vmdk": (replace(DISKS[0], format="vmdk", holds="vmdk"), True, "cannot be the base of a linked clone"),
    "block device": (replace(DISKS[0], path="/dev/vg/web1"), True, "cannot be the base of a linked clone"),
}


@pytest.mark.parametrize(("disk", "linked", "words"), NO_BASE.values(), ids=NO_BASE)
def test_a_disk_that_cannot_be_cloned_is_named(disk: DiskVolume, linked: bool, words: str) -> None:
    with pytest.raises(Conflict, match="guest web1: its disk") as refused:
        plan_clone("web1", UUID, replace(FOUND, disks=(disk,)), NEW, linked=linked)

    assert words in str(refused.value)
    assert refused.value.remedy


def test_a_card_that_qemu_is_told_of_has_the_clones_identity_too() -> None:
    """It comes first, and its port leads to the clone alone."""
    told = (
        "user,id=hostnet0,bootfile=http://10.0.2.2:8080/boot/ipxe,hostfwd=tcp:127.0.0.1:20007-:22",
        "virtio-net-pci,netdev=hostnet0,mac=52:54:00:00:00:07,bootindex=2",
    )
    args = "".join(f'<qemu:arg value="{value}"/>' for value in told)
    xml = XML.replace("</domain>", f"<qemu:commandline>{args}</qemu:commandline></domain>")
    macs = ("52:54:00:00:00:08", *NEW.macs)

    assert interfaces(xml) == interfaces(XML) + 1
    root = ElementTree.fromstring(clone_xml(xml, replace(NEW, macs=macs, forward=20008), {}, linked=False))

    found = [arg.get("value", "") for arg in root.iter() if arg.tag.endswith("}arg")][-2:]
    assert found == [
        told[0].replace("20007", "20008"),
        told[1].replace("52:54:00:00:00:07", "52:54:00:00:00:08"),
    ]
    assert [mac.get("address") for mac in root.iterfind("devices/interface/mac")] == list(NEW.macs)
