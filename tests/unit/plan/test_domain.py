"""The domain XML: whole goldens, libvirt's own schema, and texts that try to break out of it."""

import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import HostFacts, Pool
from provisioner.core.profile import Tree
from provisioner.plan.domain import domain_xml
from provisioner.plan.naming import NAMESPACE
from provisioner.plan.plan import plan_guest
from tests.unit.plan.samples import CASES, GIB, HOST, MAC, MINI, SPEC, ground, spec

GOLDENS = Path(__file__).parents[2] / "data" / "xml"


def xml_of(guest: GuestSpec, host: HostFacts, tree: Tree) -> str:
    return plan_guest(guest, host, tree, ground("i-0001")).xml


@cache
def schema(name: str) -> etree.RelaxNG:
    """libvirt's RelaxNG schema `name`. Skips where libvirt's schemas are not installed."""
    asked = subprocess.run(
        ["pkg-config", "--variable=datarootdir", "libvirt"], capture_output=True, text=True, check=False
    )
    roots = [asked.stdout.strip(), "/usr/share", "/usr/local/share"]
    for root in filter(None, roots):
        file = Path(root, "libvirt", "schemas", f"{name}.rng")
        if file.is_file():
            return etree.RelaxNG(etree.parse(str(file)))
    pytest.skip(f"libvirt's schema {name}.rng is not installed here")


def test_an_installer_s_log_port_goes_into_a_file() -> None:
    text = plan_guest(SPEC, HOST, MINI, ground(log_port="/logs/i.anaconda.log")).xml
    root = etree.fromstring(text)
    (channel,) = root.iterfind("devices/channel")

    assert schema("domain").validate(root)
    assert [(part.tag, dict(part.attrib)) for part in channel] == [
        ("source", {"path": "/logs/i.anaconda.log", "append": "on"}),
        ("target", {"type": "virtio", "name": "org.fedoraproject.anaconda.log.0"}),
    ]
    assert etree.fromstring(xml_of(SPEC, HOST, MINI)).find("devices/channel") is None


def test_the_schema_does_refuse() -> None:
    wrong = etree.fromstring(xml_of(SPEC, HOST, MINI).replace("<devices>", "<devices><nonsense/>", 1))

    assert not schema("domain").validate(wrong)


@pytest.mark.parametrize(("name", "guest", "host", "tree"), CASES, ids=[case[0] for case in CASES])
def test_the_xml_is_the_golden_one(name: str, guest: GuestSpec, host: HostFacts, tree: Tree) -> None:
    assert xml_of(guest, host, tree) == (GOLDENS / f"{name}.xml").read_text()


@pytest.mark.parametrize(("name", "guest", "host", "tree"), CASES, ids=[case[0] for case in CASES])
def test_libvirts_schema_takes_it(name: str, guest: GuestSpec, host: HostFacts, tree: Tree) -> None:
    rng = schema("domain")

    assert rng.validate(etree.fromstring(xml_of(guest, host, tree))), rng.error_log


def test_disk_comes_before_network_whatever_is_asked() -> None:
    for boot in ("bios", "uefi"):
        for rom in (True, False):
            root = etree.fromstring(xml_of(spec(boot=boot, rom=rom), HOST, MINI))

            assert root.xpath("string(devices/disk/boot/@order)") == "1"
            assert root.xpath("string(devices/interface/boot/@order)") == "2"


def test_the_namespace_never_changes() -> None:
    assert NAMESPACE == "urn:provisioner:guest:1"


QUOTES = """it's <a> "pool" & more"""


def test_quotes_and_brackets_stay_text() -> None:
    host = replace(HOST, pools=(Pool(QUOTES, True, GIB, 0, GIB, f"/srv/{QUOTES}"),))
    guest = spec(profile=QUOTES, disks=(Disk(1, QUOTES),), nics=(Nic("network", QUOTES, MAC),))

    plan = plan_guest(guest, host, MINI, ground(serial=QUOTES, log=f"/{QUOTES}"))

    root = etree.fromstring(plan.xml)
    assert root.xpath("string(sysinfo/system/entry)") == QUOTES
    assert root.xpath("string(devices/interface/source/@network)") == QUOTES
    assert root.xpath("string(devices/disk/source/@file)") == f"/srv/{QUOTES}/web1-i-1"
    assert root.xpath("string(devices/serial/log/@file)") == f"/{QUOTES}"
    assert root.xpath("string(metadata/g:guest/g:profile)", namespaces={"g": NAMESPACE}) == QUOTES


CONTROL = st.sampled_from(["\n", "\r", "\t", "\0", "\x1b", "\u2028", "\ud800", "\ufffe"])


@given(text=st.text(max_size=40) | st.builds(lambda a, b, c: a + b + c, st.text(), CONTROL, st.text()))
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        plan = plan_guest(
            spec(profile=text, nics=(Nic("bridge", text, MAC),)), HOST, MINI, ground(serial=text)
        )
    except Invalid as error:
        assert "web1" in str(error)
        return

    root = etree.fromstring(plan.xml)
    assert root.xpath("string(sysinfo/system/entry)") == text
    assert root.xpath("string(devices/interface/source/@bridge)") == text
    assert root.xpath("count(devices/interface)") == 1


STUB = "http://10.0.2.2:8080/boot/ipxe"
BOOTFILE, FORWARD = f"bootfile={STUB}", "hostfwd=tcp:127.0.0.1:20007-:22"
CARD = f"netdev=hostnet0,mac={MAC},bootindex=2,addr=0x1d"
# Method, model, forward, whether the ROM is on; QEMU's own words for the card.
SLIRP: dict[str, tuple[Any, ...]] = {
    "pxe with a port": ("pxe", "virtio", 20007, True, [BOOTFILE, FORWARD], f"virtio-net-pci,{CARD}"),
    "pxe without one": ("pxe", "virtio", 0, True, [BOOTFILE], f"virtio-net-pci,{CARD}"),
    "a port alone": ("import", "virtio", 20007, True, [FORWARD], f"virtio-net-pci,{CARD}"),
    "another card": ("pxe", "e1000", 0, False, [BOOTFILE], f"e1000,{CARD},romfile="),
}


@pytest.mark.parametrize(("method", "model", "forward", "rom", "words", "device"), SLIRP.values(), ids=SLIRP)
def test_the_user_network_is_told_to_qemu_itself(
    method: Any, model: str, forward: int, rom: bool, words: list[str], device: str
) -> None:
    nics = (Nic("user", "", MAC, model, forward=forward), Nic("network", "default", "52:54:00:12:34:57"))
    guest = spec(method=method, nics=nics, rom=rom)

    root = etree.fromstring(domain_xml(guest, HOST, MINI, ground(stub=STUB)))

    told = root.xpath("//q:arg/@value", namespaces={"q": "http://libvirt.org/schemas/domain/qemu/1.0"})
    assert told == ["-netdev", ",".join(["user", "id=hostnet0", *words]), "-device", device]
    assert root.xpath("devices/interface/mac/@address") == ["52:54:00:12:34:57"]
    assert root.xpath("count(devices/interface/boot)") == 0


def test_a_user_network_of_another_machine_is_libvirts_own() -> None:
    guest = spec(method="url", nics=(Nic("user", "", MAC),))

    root = etree.fromstring(domain_xml(guest, HOST, MINI, ground()))

    assert root.xpath("devices/interface/@type") == ["user"]
    assert not [child for child in root if "commandline" in str(child.tag)]
