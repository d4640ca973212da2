"""Which signed programs go to the EFI system partition, and where their GRUB is told of the menu."""

import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from provisioner.media import grub, signed
from tests.unit.media.test_fat import found

SHIM, GRUB = "usr/lib/shim/shimx64.efi.signed", "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"


def built(prefix: str, *, before: Sequence[tuple[int, bytes]] = ((0, b"module"), (2, b"normal"))) -> bytes:
    """A GRUB as far as it is looked at: its modules, the prefix the last of them."""
    parts = [*before, (3, prefix.encode() + b"\0" * 5)]
    body = b"".join(struct.pack("<II", kind, 8 + len(data)) + data for kind, data in parts)
    head = struct.pack("<IIQQ", 0x676D696D, 0, 24, 24 + len(body))
    return b"MZ...mimg..." + head + body + b"behind"


HOSTS: dict[str, tuple[Mapping[str, bytes], str, bytes]] = {
    "Debian": ({SHIM: b"shim", GRUB: built("/EFI/debian")}, "EFI/debian/grub.cfg", b"shim"),
    "Fedora": (
        {"boot/efi/EFI/fedora/shimx64.efi": b"f", "boot/efi/EFI/fedora/grubx64.efi": built("/EFI/fedora")},
        "EFI/fedora/grub.cfg",
        b"f",
    ),
    "AlmaLinux": (
        {
            "boot/efi/EFI/almalinux/shimx64.efi": b"a",
            "boot/efi/EFI/almalinux/grubx64.efi": built("/EFI/almalinux"),
        },
        "EFI/almalinux/grub.cfg",
        b"a",
    ),
    "Debian, started by shim itself": (
        {
            SHIM: b"shim",
            GRUB: built("/EFI/debian"),
            "boot/efi/EFI/debian/shimx64.efi": b"older",
            "boot/efi/EFI/debian/grubx64.efi": built("/EFI/debian"),
        },
        "EFI/debian/grub.cfg",
        b"shim",
    ),
    "the vendor's folder is the common one": (
        {SHIM: b"s", GRUB: built("/efi/boot")},
        "EFI/BOOT/grub.cfg",
        b"s",
    ),
    "neither": ({}, "", b""),
    "no GRUB": ({SHIM: b"shim"}, "", b""),
    "no shim": ({GRUB: built("/EFI/debian")}, "", b""),
    "GRUB for the network": ({SHIM: b"shim", GRUB: built("/grub")}, "", b""),
    "a folder that cannot be written": ({SHIM: b"shim", GRUB: built("/EFI/a folder")}, "", b""),
    "a GRUB that is none": ({SHIM: b"shim", GRUB: b"MZ"}, "", b""),
}


@pytest.mark.parametrize("case", HOSTS)
def test_the_host_has(case: str, tmp_path: Path) -> None:
    there, menu, shim = HOSTS[case]
    for name, content in there.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    files = signed.files(tmp_path)

    assert list(files) == (["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", menu] if menu else [])
    assert files.get("EFI/BOOT/BOOTX64.EFI", b"") == shim


def test_a_user_who_may_not_look_gets_none(tmp_path: Path) -> None:
    (tmp_path / "boot/efi/EFI/fedora").mkdir(parents=True)
    (tmp_path / "boot/efi").chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        assert signed.files(tmp_path) == {}
    finally:
        os.seteuid(user)
        (tmp_path / "boot/efi").chmod(0o700)


PREFIXES: dict[str, tuple[bytes, str]] = {
    "there": (built("/EFI/debian"), "/EFI/debian"),
    "the first of all": (built("/EFI/x", before=()), "/EFI/x"),
    "cut off": (built("/EFI/debian")[:60], ""),
    "cut off in the head": (built("/EFI/debian")[:30], ""),
    "a module of no length": (built("/EFI/x", before=[(0, b"")] * 2).replace(b"\x08", b"\0"), "/EFI/x"),
    "none": (b"MZ" + bytes(100), ""),
    "nothing": (b"", ""),
}


@pytest.mark.parametrize("case", PREFIXES)
def test_the_prefix_is(case: str) -> None:
    content, expected = PREFIXES[case]

    assert signed.prefix(content) == expected


def test_the_partition_of_this_host_starts_its_menu_on_the_third_partition() -> None:
    files = signed.files()
    if not files:
        pytest.skip("shim-signed and grub-efi-amd64-signed are not installed")
    image = grub.loaders()["esp.img"]
    menu = found(image, list(files)[2]).decode()

    assert found(image, "EFI/BOOT/BOOTX64.EFI")[:2] == b"MZ"
    assert found(image, "EFI/BOOT/grubx64.efi") == files["EFI/BOOT/grubx64.efi"]
    assert menu.splitlines()[1:3] == ['set root="$disk,gpt3"', 'set prefix="($root)/boot/grub"']
