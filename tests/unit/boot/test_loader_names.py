"""What a name asks for before a kernel runs, and whose it is."""

import pytest

from provisioner.boot.loader import Asked, canonical, kind, mac_in

MAC = "52:54:00:12:34:56"
NAMES: dict[str, tuple[Asked, str | None]] = {
    "undionly.kpxe": ("loader", None),
    "EFI/BOOT/grubx64.efi": ("loader", None),
    "grub/grub.cfg": ("menu", None),
    "grub.cfg": ("menu", None),
    "debian-installer/amd64/grub/grub.cfg": ("menu", None),
    "EFI/redhat/grub.cfg": ("menu", None),
    "EFI/redhat/grub.cfg-01-52-54-00-12-34-56": ("loader", None),
    f"grub/m/{MAC}": ("machine", MAC),
    f"grub/m/{MAC.upper()}": ("machine", MAC),
    "grub/m/ff:ff:ff:ff:ff:ff": ("machine", None),
    "grub/m/../../etc": ("loader", None),
    "pxelinux.cfg/6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab": ("pxelinux", None),
    "pxelinux.cfg/01-52-54-00-12-34-56": ("pxelinux", MAC),
    "pxelinux.cfg/01-zz": ("pxelinux", None),
    "pxelinux.cfg/C0A87A32": ("pxelinux", None),
    "pxelinux.cfg/default": ("pxelinux", None),
    "pxelinux.cfg/../x": ("loader", None),
    "install/k3v9/kernel": ("kernel", None),
    "install/k3v9/initrd": ("initrd", None),
    "install/k3v9/other": ("loader", None),
    "install/a/b/kernel": ("loader", None),
}


@pytest.mark.parametrize(("name", "what"), NAMES.items(), ids=NAMES)
def test_kind(name: str, what: tuple[Asked, str | None]) -> None:
    assert (kind(canonical(f"/{name}")), mac_in(canonical(f"//{name}"))) == what
