"""What a host can give a guest: each refusal, and silence where libvirt does not tell."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.host import HostFacts
from provisioner.plan.limits import (
    check_bus,
    check_disk_device,
    check_graphics,
    check_secure_boot,
)

HOST = HostFacts(
    "qemu:///system",
    "qemu",
    "/usr/bin/qemu",
    "q35",
    firmwares=("bios", "efi"),
    max_vcpus=288,
    disk_devices=("disk", "cdrom", "floppy", "lun"),
    disk_buses=("fdc", "scsi", "virtio", "usb", "sata"),
    secure_boot=True,
    graphics=("vnc", "spice"),
)
POOR = replace(HOST, firmwares=("bios",), secure_boot=False)
SILENT = replace(HOST, disk_devices=(), disk_buses=(), graphics=())
Question = Callable[[HostFacts], None]

REFUSED: dict[str, tuple[Question, HostFacts, str, str]] = {
    "bus": (
        lambda host: check_bus("xen", host),
        HOST,
        "qemu:///system has no disk bus 'xen' for q35 machines; it has fdc, scsi, virtio, usb, sata",
        "use bus=virtio, or leave the bus out",
    ),
    "ide on q35": (
        lambda host: check_bus("ide", host),
        HOST,
        "qemu:///system has no disk bus 'ide' for q35 machines; it has fdc, scsi, virtio, usb, sata",
        "use bus=sata, or leave the bus out",
    ),
    "device": (
        lambda host: check_disk_device("tape", host),
        HOST,
        "qemu:///system has no disk device 'tape'; it has disk, cdrom, floppy, lun",
        "use device=disk or device=cdrom",
    ),
    "secure boot": (
        check_secure_boot,
        POOR,
        "qemu:///system has no UEFI firmware with Secure Boot for q35 machines",
        "install OVMF with Secure Boot (package ovmf or edk2-ovmf) there, or use --boot uefi",
    ),
    "graphics": (
        lambda host: check_graphics("sdl", host),
        HOST,
        "qemu:///system has no graphics 'sdl'; it has vnc, spice",
        "use --graphics vnc",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    ask, host, sentence, remedy = REFUSED[case]

    with pytest.raises(Invalid) as caught:
        ask(host)

    assert (str(caught.value), caught.value.remedy) == (sentence, remedy)


@pytest.mark.parametrize("host", [HOST, SILENT])
def test_what_the_host_has_or_does_not_tell_is_not_refused(host: HostFacts) -> None:
    check_bus("virtio", host)
    check_disk_device("cdrom", host)
    check_secure_boot(host)
    check_graphics("vnc", host)
    check_graphics("none", host)


def test_silence_refuses_no_name() -> None:
    check_bus("xen", SILENT)
    check_disk_device("tape", SILENT)
    check_graphics("sdl", SILENT)
