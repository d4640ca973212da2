"""The XML of each method: the definition, and what the first stage is started with, as whole goldens."""

from pathlib import Path

import pytest
from lxml import etree

from provisioner.plan.steps import StartDomain
from tests.unit.plan.samples import CASES
from tests.unit.plan.test_domain import GOLDENS, schema
from tests.unit.plan.ways import WAYS, Way

METHODS = ("url-", "iso-", "import-", "pxe-", "bios-", "uefi-")

TEXTS = [
    *((f"{name}.xml", way.plan.xml) for name, way in WAYS.items()),
    *((f"{name}-first.xml", way.plan.first_xml) for name, way in WAYS.items() if way.first),
]


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=[row[0] for row in TEXTS])
def test_the_xml_is_the_golden_one(name: str, text: str) -> None:
    assert text == (GOLDENS / name).read_text()


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=[row[0] for row in TEXTS])
def test_libvirts_schema_takes_it(name: str, text: str) -> None:
    rng = schema("domain")

    assert rng.validate(etree.fromstring(text)), rng.error_log


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_only_a_first_stage_ends_at_its_reboot_and_boots_a_medium_or_kernel(way: Way) -> None:
    kept, first = etree.fromstring(way.plan.xml), way.plan.first_xml
    once = etree.fromstring(first) if first else kept

    assert bool(first) == way.first
    assert kept.findtext("on_reboot") == "restart"
    assert kept.xpath("os/kernel | devices/disk[@device='cdrom']") == []
    assert kept.xpath("string(devices/disk[1]/boot/@order)") == "1"
    if first:
        assert once.findtext("on_reboot") == "destroy"
        assert once.xpath("os/kernel") or once.xpath("devices/disk[@device='cdrom']/boot[@order='1']")
    for tag in ("name", "uuid", "metadata", "sysinfo", "memory", "vcpu"):
        mine, other = ([etree.tostring(found) for found in root.iterfind(tag)] for root in (kept, once))
        assert mine == other
        assert len(mine) == 1


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_device_has_a_place_of_its_own(way: Way) -> None:
    for text in filter(None, (way.plan.xml, way.plan.first_xml)):
        devices = etree.fromstring(text).iterfind("devices/*")
        found = [(device.find("target"), device.find("boot")) for device in devices if device.tag != "serial"]
        targets = [target.get("dev") for target, _ in found if target is not None and target.get("dev")]
        orders = [boot.get("order", "") for _, boot in found if boot is not None]

        assert len(set(targets)) == len(targets)
        assert sorted(orders) == [str(n) for n in range(1, len(orders) + 1)]


def test_the_seed_of_an_import_stays_and_that_of_an_installer_goes() -> None:
    stays, goes = WAYS["import-linked-seed"].plan, WAYS["iso-bios-seed"].plan

    assert "/web1-i-0001-seed" in stays.xml
    assert "/web1-i-0001-seed" in goes.first_xml
    assert "seed" not in goes.xml


def test_nobody_gets_onto_the_screen_until_a_password_is_set() -> None:
    root = etree.fromstring(WAYS["pxe-vnc-secure"].plan.xml)
    (graphics,), (listen,) = root.iterfind("devices/graphics"), root.iterfind("devices/graphics/listen")

    assert graphics.get("listen") == listen.get("address") == "127.0.0.1"
    assert graphics.get("passwd")
    assert graphics.get("passwdValidTo") == "1970-01-01T00:00:01"


def test_without_a_screen_there_is_none() -> None:
    for way in WAYS.values():
        root = etree.fromstring(way.plan.xml)
        assert (root.find("devices/graphics") is not None) == (way.spec.graphics == "vnc")


def test_every_golden_has_its_case() -> None:
    known = {Path(name).stem for name, _ in TEXTS} | {case[0] for case in CASES}
    others = {"network-isolated-bootp", "network-nat", "pool", "proof-kvm", "proof-qemu"}

    assert {file.stem for file in GOLDENS.glob("*.xml")} >= known | others
    assert not {f.stem for f in GOLDENS.glob("*.xml") if f.stem.startswith(METHODS)} - known


def test_a_first_stage_is_part_of_the_start_alone() -> None:
    for way in WAYS.values():
        starts = [step for step in way.plan.steps if isinstance(step, StartDomain)]
        assert starts == [way.plan.steps[-1]]
        assert starts[0].reset_nvram == (way.spec.boot == "uefi")
