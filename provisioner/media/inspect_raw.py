"""Raw disks: what shows that bytes are a disk (a partition table, a file system), and whether it fits."""

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers

_TYPE_GPT = 0xEE
_FILE_SYSTEMS: tuple[tuple[str, int, bytes], ...] = (
    ("ext", 1080, b"\x53\xef"),
    ("XFS", 0, b"XFSB"),
    ("Btrfs", 65600, b"_BHRfS_M"),
    ("SquashFS", 0, b"hsqs"),
    ("FAT", 54, b"FAT"),
    ("FAT", 82, b"FAT32"),
    ("NTFS", 3, b"NTFS    "),
    ("LVM", 512, b"LABELONE"),
)


def has_table(source: Source) -> bool:
    """Whether a partition table is at its beginning. A boot sector without one is none: kernels have that."""
    if source.read(512, 8) == b"EFI PART" or source.read(4096, 8) == b"EFI PART":
        return True
    table = source.read(446, 66)
    if table[64:] != b"\x55\xaa":
        return False
    rows = [table[at : at + 16] for at in range(0, 64, 16)]
    return all(row[0] in (0, 0x80) for row in rows) and any(row[4] for row in rows)


def file_system(source: Source) -> str:
    """The file system that begins at byte 0, "" where none is known."""
    return next((name for name, at, mark in _FILE_SYSTEMS if source.read(at, len(mark)) == mark), "")


def read(source: Source) -> DiskImage:
    """Raises Invalid with what is wrong, as the rest of a sentence."""
    known = file_system(source)
    if not known and not has_table(source):
        raise Invalid(
            "is no disk image that is known here: neither a partition table nor a file system is in it",
            remedy="qcow2, raw, VMDK, VDI, VHD, VHDX and ISO are known, plain or as .gz, .xz, .zst, .bz2",
        )
    size = source.size if source.whole else 0
    if source.whole and size % 512:
        raise Invalid(f"is cut short: {size} bytes are no whole number of sectors")
    if known:
        return DiskImage("raw", size, (f"it holds a file system ({known}) and no partition table",))
    _partitions(source)
    return DiskImage("raw", size)


def _partitions(source: Source) -> None:
    kinds = []
    for number in range(4):
        kind, start, count = numbers(source, "<4xB3xII", 446 + 16 * number)
        kinds.append(kind)
        if kind and kind != _TYPE_GPT and source.whole and (start + count) * 512 > source.size:
            raise Invalid(f"is cut short: its partition {number + 1} lies beyond its end")
    if _TYPE_GPT in kinds:
        _gpt(source)


def _gpt(source: Source) -> None:
    sector = next((size for size in (512, 4096) if source.read(size, 8) == b"EFI PART"), 0)
    if not sector:
        raise Invalid("says that it has a GPT, and has none")
    header, _sum, _zero, own, _other, _first, last = numbers(source, "<IIIQQQQ", sector + 12)
    _entries, count, size = numbers(source, "<QII", sector + 72)
    if own != 1 or not 92 <= header <= sector or count > 1024 or size not in (128, 256, 512):
        raise Invalid("has a GPT that contradicts itself")
    if source.whole and (last + 1) * sector > source.size:
        raise Invalid("is cut short: its GPT reaches beyond its end")
