"""Guests whose cards boot nothing, started from a medium made for them: CD and stick, by BIOS and UEFI."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.networks import POOL, virsh
from tests.lab.service import Service

FORMS = ("iso", "img")
STICK = "sdx"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--every-cell")
    cells = [(form, firmware) for form in FORMS for firmware in ("bios", "uefi") if every]
    metafunc.parametrize(("form", "firmware"), cells, ids=["-".join(cell) for cell in cells])


def build(service: Service, name: str, out: Path) -> None:
    """By the command line, as a person does."""
    words = [sys.executable, "-m", "provisioner", "media", "build", "--guest", name, "--out", str(out)]
    environment = os.environ | service.environment
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def without_netboot(xml: str, form: str, medium: Path) -> str:
    """The domain with a medium, and no card in its boot order. A CD stands behind the disk, a stick before
    it: SeaBIOS tries one disk and no other.
    """
    xml = re.sub(r"(<interface.*?)<boot order='\d+'/>", r"\1", xml, flags=re.DOTALL)
    if form == "img":
        xml = xml.replace("<boot order='1'/>", "<boot order='2'/>", 1)
        xml = re.sub(r"(<controller type='usb'[^>]*) model='none'", r"\1 model='qemu-xhci'", xml)
    bus = "usb" if form == "img" else "scsi" if "virtio-scsi" in xml else "sata" if "q35" in xml else "ide"
    drive = f"""<disk type='file' device='{"disk" if form == "img" else "cdrom"}'>
      <driver name='qemu' type='raw'/><source file='{medium}'/>
      <target dev='{STICK}' bus='{bus}'/><readonly/><boot order='{1 if form == "img" else 9}'/>
    </disk>"""
    return xml.replace("</devices>", f"{drive}</devices>", 1)


def test_a_guest_installs_itself(nat: Service, form: str, firmware: str) -> None:
    name = f"plab-{form}-{firmware}"
    nat.create(name, boot=firmware, disks=[f"size=1,pool={POOL}"], rom=False)
    virsh("destroy", name)  # it has not asked for anything yet, and boots from the medium instead
    medium = nat.state / "media" / f"{name}.{form}"
    medium.parent.mkdir(exist_ok=True)
    build(nat, name, medium)
    medium.chmod(0o644)
    changed = nat.state / f"{name}.xml"
    changed.write_text(without_netboot(virsh("dumpxml", "--inactive", "--security-info", name), form, medium))
    virsh("define", str(changed))
    virsh("start", name)
    if form == "img":
        nat.wait_for(name, "answer.served", 300)
        virsh("detach-disk", name, STICK, "--live", "--config")  # as a person takes it out

    nat.wait(name, 420, "first-boot")

    kinds = nat.kinds(name)
    assert kinds.count("answer.served") == 1
    assert "loader.sent" not in kinds, "iPXE came from the medium"
    nat.call("DELETE", f"/guests/{name}")
