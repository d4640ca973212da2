"""Boot media as firmware reads them: boot records, partition, files; and what is missing."""

import struct
from pathlib import Path

import pytest
from pycdlib import PyCdlib

from provisioner.core.errors import Unavailable
from provisioner.media.inspect import inspect
from provisioner.media.inspect_source import Opened
from provisioner.media.stick import Sticks
from provisioner.mirror.isoindex import index
from tests.unit.media.test_fat import found

SCRIPT = "#!ipxe\nchain http://192.0.2.1:8080/boot/ipxe\n"
FIRST, SECTOR = 2048, 512

pytestmark = pytest.mark.skipif(
    not Path("/usr/lib/grub/i386-pc/boot.img").exists(), reason="GRUB for BIOS is not here"
)


@pytest.fixture
def sticks(tmp_path: Path) -> Sticks:
    """iPXE of Fedora's names, found behind a folder that has none."""
    (tmp_path / "ipxe").mkdir()
    (tmp_path / "ipxe/ipxe.lkrn").write_bytes(b"for BIOS" * 500)
    (tmp_path / "ipxe/ipxe-x86_64.efi").write_bytes(b"MZ for UEFI" * 500)
    return Sticks([tmp_path / "none", tmp_path / "ipxe"])


def test_a_stick_has_grub_before_its_partition_and_ipxe_in_it(sticks: Sticks) -> None:
    disk = sticks.disk(SCRIPT)
    active, kind, start, sectors = struct.unpack_from("<BxxxBxxxII", disk, 446)
    system = disk[FIRST * SECTOR :]

    assert (active, kind, start, sectors) == (0x80, 0xEF, FIRST, len(disk) // SECTOR - FIRST)
    assert disk[510:512] == b"\x55\xaa"
    assert struct.unpack_from("<Q", disk, 0x5C) == (34,), "where boot.img finds GRUB's core"
    assert any(disk[34 * SECTOR : FIRST * SECTOR])
    assert found(system, "EFI/BOOT/BOOTX64.EFI") == b"MZ for UEFI" * 500
    assert SCRIPT.encode() in system
    assert len(disk) % (1024 * 1024) == 0


def test_a_cd_is_started_by_both_firmwares(sticks: Sticks, tmp_path: Path) -> None:
    place = tmp_path / "x.iso"
    place.write_bytes(sticks.iso(SCRIPT))
    files = index(place)
    iso = PyCdlib()
    iso.open(str(place))
    catalogue = iso.eltorito_boot_catalog
    assert catalogue is not None
    entries = [catalogue.initial_entry]
    entries += [entry for section in catalogue.sections for entry in section.section_entries]
    starts = {entry.get_rba() * 2048 for entry in entries}
    iso.close()

    assert starts == {runs[0][0] for name in ("eltorito.img", "efi.img") if (runs := files.find(name))}
    for name, content in (("boot.ipxe", SCRIPT.encode()), ("ipxe.lkrn", b"for BIOS" * 500)):
        ((offset, length),) = files.find(name) or ()
        assert place.read_bytes()[offset : offset + length] == content
    ((offset, _),) = files.find("efi.img") or ()
    assert found(place.read_bytes()[offset:], "EFI/BOOT/BOOTX64.EFI") == b"MZ for UEFI" * 500


def test_a_cd_may_be_taken_into_the_media_folder(sticks: Sticks, tmp_path: Path) -> None:
    (tmp_path / "x.iso").write_bytes(sticks.iso(SCRIPT))
    with (tmp_path / "x.iso").open("rb") as file:
        image = inspect(Opened(file.fileno()), "image x.iso")

    assert (image.format, image.label) == ("iso", "PROVISIONER")


@pytest.mark.parametrize("form", ["iso", "disk"])
def test_ipxe_that_is_missing_is_named_with_its_package(tmp_path: Path, form: str) -> None:
    with pytest.raises(Unavailable, match="a boot medium needs ipxe") as refusal:
        getattr(Sticks([tmp_path]), form)(SCRIPT)

    assert refusal.value.remedy.startswith("apt-get install ipxe ")
