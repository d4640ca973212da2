"""GRUB's and PXELINUX's menus whole, and what would break out of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.boot import menu
from provisioner.boot.arguments import SERIAL
from provisioner.boot.script import ScriptFacts
from provisioner.core.errors import Invalid

GOLDEN = Path(__file__).parents[2] / "data" / "boot"
ROOT = "http://192.168.122.1:8080"
TFTP = "(tftp,192.168.122.1)"
GRUB = ScriptFacts(
    "k3v9",
    "web1",
    "/install/k3v9/kernel",
    "/install/k3v9/initrd",
    f"inst.ks={ROOT}/answer/{SERIAL}/ks.cfg console=ttyS0",
)
PXELINUX = replace(
    GRUB,
    kernel=f"{ROOT}/tree/mini/images/pxeboot/vmlinuz",
    initrd=f"{ROOT}/tree/mini/images/pxeboot/initrd.img",
    args=f"inst.ks={ROOT}/answer/first/ks.cfg console=ttyS0",
)
MENUS = {
    "common.grub": menu.grub(TFTP, "/grub/m"),
    "machine.grub": menu.grub_machine(GRUB, TFTP),
    "el7.grub": menu.grub_machine(GRUB, TFTP, linuxefi=True),
    "machine.pxelinux": menu.pxelinux(PXELINUX),
}


@pytest.mark.parametrize(("name", "text"), MENUS.items(), ids=MENUS)
def test_golden(name: str, text: str) -> None:
    assert text == (GOLDEN / name).read_text()


@pytest.mark.parametrize("path", ["/install/a b/kernel", "/x;reboot", "/x\nboot", "/$x", "/'x"])
def test_a_path_that_would_change_a_menu_is_refused(path: str) -> None:
    for make in (lambda facts: menu.grub_machine(facts, TFTP), menu.pxelinux):
        with pytest.raises(Invalid, match="does not go into a boot menu"):
            make(replace(PXELINUX, kernel=path))
