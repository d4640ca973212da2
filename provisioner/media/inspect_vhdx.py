"""VHDX, Hyper-V's format: disks that stand alone; a parent or an unknown need is refused."""

from collections.abc import Iterator
from uuid import UUID

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers

_MAGIC = b"vhdxfile"
_KIB, _MIB = 1024, 1024 * 1024
_HEADERS = (64 * _KIB, 128 * _KIB)
_REGIONS = (192 * _KIB, 256 * _KIB)
_BAT = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
_METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_PARAMETERS = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_SIZE = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_LOCATOR = UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
_OTHERS = {
    UUID("beca12ab-b2e6-4523-93ef-c309e000c746"),
    UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f"),
    UUID("cda348c7-445d-4471-9cc9-e9885251c556"),
}
_HAS_PARENT, _REQUIRED = 2, 4


def claims(source: Source) -> bool:
    return source.read(0, 8) == _MAGIC


def read(source: Source) -> DiskImage:
    """Raises Invalid with what is wrong, as the rest of a sentence."""
    _log(source)
    metadata = None
    for key, offset, length, needed in _regions(source):
        if key == _METADATA:
            metadata = (offset, length)
        elif key != _BAT and needed:
            raise Invalid(f"needs the region {key}, which is not known")
        if offset < _MIB or offset % _MIB or (source.whole and offset + length > source.size):
            raise Invalid("is cut short, or has a region in no usable place")
    if metadata is None:
        raise Invalid("has no metadata")
    size, block = _items(source, *metadata)
    if block % _MIB or not _MIB <= block <= 256 * _MIB or block & (block - 1):
        raise Invalid(f"has blocks of {block} bytes, which cannot be")
    if not size or size % 512:
        raise Invalid(f"has a size of {size} bytes, which cannot be")
    return DiskImage("vhdx", size)


def _log(source: Source) -> None:
    """The header with the higher number holds; a log that is not empty must be replayed by who made it."""
    found = []
    for at in _HEADERS:
        if source.read(at, 4) == b"head":
            number, _file, _data, log = numbers(source, "<Q16s16s16s", at + 8)
            found.append((number, log))
    if not found:
        raise Invalid("is cut short or damaged: it has no header")
    if max(found)[1].strip(b"\0"):
        raise Invalid("was not closed properly", remedy="open and close it once where it was made")


def _regions(source: Source) -> Iterator[tuple[UUID, int, int, bool]]:
    at = next((at for at in _REGIONS if source.read(at, 4) == b"regi"), None)
    if at is None:
        raise Invalid("is cut short or damaged: it has no table of regions")
    (count,) = numbers(source, "<I", at + 8)
    if count > 2047:
        raise Invalid(f"claims {count} regions")
    for number in range(count):
        key, offset, length, needed = numbers(source, "<16sQII", at + 16 + 32 * number)
        yield UUID(bytes_le=key), offset, length, bool(needed & 1)


def _items(source: Source, offset: int, length: int) -> tuple[int, int]:
    """The virtual size and the size of a block."""
    if source.read(offset, 8) != b"metadata":
        raise Invalid("is cut short or damaged: its metadata are not there")
    (count,) = numbers(source, "<H", offset + 10)
    if count > 2047:
        raise Invalid(f"claims {count} items of metadata")
    size = block = 0
    for number in range(count):
        key, at, _length, flags = numbers(source, "<16sIII", offset + 32 + 32 * number)
        kind = UUID(bytes_le=key)
        if kind == _LOCATOR:
            raise Invalid("is only the difference to another VHDX file")
        if at >= length:
            raise Invalid("has metadata in no usable place")
        if kind == _SIZE:
            (size,) = numbers(source, "<Q", offset + at)
        elif kind == _PARAMETERS:
            block, marks = numbers(source, "<II", offset + at)
            if marks & _HAS_PARENT:
                raise Invalid("is only the difference to another VHDX file")
        elif kind not in _OTHERS and flags & _REQUIRED:
            raise Invalid(f"needs the item {kind}, which is not known")
    return size, block
