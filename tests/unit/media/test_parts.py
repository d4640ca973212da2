"""The parts that the mini installer is made of: archive, EFI partition, GRUB, drivers, `.treeinfo`."""

import hashlib
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from productmd.treeinfo import TreeInfo

from provisioner.core.errors import Unavailable
from provisioner.media import cpio, grub, initramfs, treeinfo
from provisioner.media.elf import module_needs
from provisioner.media.kernel import DRIVERS, host_kernel, newest


def unpacked(archive: bytes) -> dict[str, tuple[int, bytes, tuple[int, int]]]:
    """Mode, data and device number of every entry, read as the kernel reads them."""
    found: dict[str, tuple[int, bytes, tuple[int, int]]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + n * 8 : at + 14 + n * 8], 16) for n in range(13)]
        mode, owner, size, device, length = (
            fields[1],
            fields[2:4],
            fields[6],
            (fields[9], fields[10]),
            fields[11],
        )
        assert owner == [0, 0]
        name = archive[at + 110 : at + 110 + length - 1].decode()
        start = (at + 110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, archive[start : start + size], device)
        at = (start + size + 3) // 4 * 4


def test_an_archive_holds_what_it_was_given_and_the_folders_above() -> None:
    entries = [
        cpio.file("/a/b/run", b"#!x", 0o755),
        cpio.link("a/link", "b/run"),
        cpio.character("dev/console", 5, 1),
        cpio.folder("empty"),
    ]

    assert unpacked(cpio.archive(entries)) == {
        "a": (stat.S_IFDIR | 0o755, b"", (0, 0)),
        "a/b": (stat.S_IFDIR | 0o755, b"", (0, 0)),
        "a/b/run": (stat.S_IFREG | 0o755, b"#!x", (0, 0)),
        "a/link": (stat.S_IFLNK | 0o777, b"b/run", (0, 0)),
        "dev": (stat.S_IFDIR | 0o755, b"", (0, 0)),
        "dev/console": (stat.S_IFCHR | 0o600, b"", (5, 1)),
        "empty": (stat.S_IFDIR | 0o755, b"", (0, 0)),
    }


def test_the_same_entries_give_the_same_bytes() -> None:
    entries = [cpio.file("b", b"2"), cpio.file("a", b"1")]

    assert cpio.archive(entries) == cpio.archive(reversed(entries))


def test_the_first_sector_is_told_where_the_core_is() -> None:
    placed = grub.place_boot(b"\xeb" * 512)

    assert len(placed) == 440  # what follows is the disk's own: its id and its table
    assert placed[0x5C:0x64] == struct.pack("<Q", grub.CORE_FIRST)


def test_the_core_is_told_where_its_rest_is() -> None:
    placed = grub.place_core(b"\xaa" * 1300)

    assert len(placed) == 3 * 512
    assert struct.unpack_from("<QH", placed, 0x1F4) == (grub.CORE_FIRST + 1, 2)
    assert placed[0x1FE:0x200] == b"\xaa\xaa"


def test_a_core_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        grub.place_core(bytes(512 * (grub.ESP_FIRST - grub.CORE_FIRST) + 1))


@pytest.mark.parametrize(
    ("section", "needed"),
    [
        (b"\x7fELF\0license=GPL\0depends=virtio-ring,net_failover\0", ("virtio_ring", "net_failover")),
        (b"depends=\0", ()),
        (b"\x7fELF\0softdepends=pre: x\0", ()),
    ],
)
def test_what_a_module_needs(section: bytes, needed: tuple[str, ...]) -> None:
    assert module_needs(section) == needed


def host(tmp_path: Path, version: str, modules: Mapping[str, str], builtin: str = "") -> None:
    """A kernel with modules that need what is given."""
    (tmp_path / "boot").mkdir(exist_ok=True)
    (tmp_path / f"boot/vmlinuz-{version}").touch()
    place = tmp_path / "modules" / version / "kernel/drivers"
    place.mkdir(parents=True)
    for name, needed in modules.items():
        (place / f"{name}.ko").write_bytes(f"\0name={name}\0depends={needed}\0".encode())
    (place.parents[1] / "modules.builtin").write_text(builtin)


MODULES = {
    "virtio_pci": "virtio",
    "virtio": "",
    "virtio-net": "virtio,net_failover",
    "net_failover": "",
    "virtio_blk": "virtio",
    "virtio_scsi": "scsi_mod",
    "scsi_mod": "",
    "virtio-rng": "",
    "button": "",
    "evdev": "",
    "ata_piix": "libata",
    "libata": "scsi_mod",
    "sr_mod": "cdrom,scsi_mod",
    "cdrom": "",
    "isofs": "",
}


def test_drivers_come_after_what_they_need(tmp_path: Path) -> None:
    host(tmp_path, "6.1", MODULES, "kernel/drivers/scsi/sd_mod.ko\n")
    found = host_kernel(tmp_path / "boot", tmp_path / "modules")

    assert found.version == "6.1"
    assert found.drivers == {
        "base": ("virtio", "virtio_pci", "net_failover", "virtio_net", "virtio_blk"),
        "scsi": ("scsi_mod", "virtio_scsi"),
        "random": ("virtio_rng",),
        "ports": (),
        "power": ("button", "evdev"),
        "files": (),
        "ata": ("scsi_mod", "libata", "ata_piix"),
        "cd": ("cdrom", "scsi_mod", "sr_mod", "isofs"),
    }
    assert set(found.modules) == {name for order in found.drivers.values() for name in order}
    assert set(found.drivers) == set(DRIVERS)


def test_what_only_some_kernels_have_is_taken_where_it_is(tmp_path: Path) -> None:
    host(
        tmp_path,
        "6.1",
        MODULES | {"ahci": "libahci", "libahci": "libata", "ext4": "jbd2", "jbd2": ""},
        "sd_mod.ko\n",
    )
    found = host_kernel(tmp_path / "boot", tmp_path / "modules")

    assert found.drivers["ata"] == ("scsi_mod", "libata", "ata_piix", "libahci", "ahci")
    assert found.drivers["files"] == ("jbd2", "ext4")


def test_an_initramfs_may_take_some_of_the_drivers(tmp_path: Path) -> None:
    host(tmp_path, "6.1", MODULES, "sd_mod.ko\n")
    kernel = host_kernel(tmp_path / "boot", tmp_path / "modules")
    entries = {entry.path: entry.data for entry in initramfs.driver_entries(kernel, ("scsi", "random"))}

    assert set(entries) == {
        *("modules/scsi", "modules/random"),
        *("modules/scsi_mod.ko", "modules/virtio_scsi.ko", "modules/virtio_rng.ko"),
    }
    assert entries["modules/scsi"] == b"scsi_mod.ko\nvirtio_scsi.ko\n"


def test_a_kernel_without_the_drivers_is_passed_over(tmp_path: Path) -> None:
    host(tmp_path, "6.1", MODULES | {"sd_mod": ""})
    host(tmp_path, "6.2", {"virtio": ""})

    assert host_kernel(tmp_path / "boot", tmp_path / "modules").version == "6.1"


def test_no_kernel_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"{tmp_path} holds no kernel"):
        host_kernel(tmp_path, tmp_path)
    host(tmp_path, "6.2", {"virtio": ""})
    with pytest.raises(Unavailable, match="the driver virtio_pci is not among this kernel's modules"):
        host_kernel(tmp_path / "boot", tmp_path / "modules")


def test_the_youngest_unpacked_kernel_is_taken(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    (tmp_path / "a/boot").mkdir(parents=True)
    (tmp_path / "a/boot/vmlinuz-1").touch()

    assert newest(tmp_path) == tmp_path / "a"


def test_a_tree_describes_itself(tmp_path: Path) -> None:
    (tmp_path / "images/pxeboot").mkdir(parents=True)
    (tmp_path / treeinfo.KERNEL).write_bytes(b"kernel")
    (tmp_path / treeinfo.INITRD).write_bytes(b"initrd")
    place = treeinfo.write(tmp_path, "Provisioner mini installer", "mini", "1.2")

    read: Any = TreeInfo()  # type: ignore[no-untyped-call]  # productmd has no types
    read.load(str(place))
    assert (read.release.name, read.release.version, read.tree.arch) == (
        "Provisioner mini installer",
        "1.2",
        "x86_64",
    )
    assert read.images.images["x86_64"] == {"kernel": treeinfo.KERNEL, "initrd": treeinfo.INITRD}
    digest = hashlib.sha256(b"kernel").hexdigest()
    assert read.checksums.checksums[treeinfo.KERNEL] == ("sha256", digest)
    assert list(tmp_path.glob("*.part")) == []
