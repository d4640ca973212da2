"""VDI, VirtualBox's format: dynamic and static images; differences to others are refused."""

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers

_MAGIC = b"\x7f\x10\xda\xbe"
_DYNAMIC, _STATIC = 1, 2
_NO_UUID = bytes(16)


def claims(source: Source) -> bool:
    return source.read(64, 4) == _MAGIC


def read(source: Source) -> DiskImage:
    """Raises Invalid with what is wrong, as the rest of a sentence."""
    version, _header, kind, _flags = numbers(source, "<IIII", 68)
    bmap, data = numbers(source, "<II", 340)
    (sector,) = numbers(source, "<I", 360)
    size, block, extra, blocks, allocated = numbers(source, "<QIIII", 368)
    _image, _snapshot, link, parent = numbers(source, "16s16s16s16s", 392)
    if version != 0x00010001:
        raise Invalid(f"is a VDI of version {version >> 16}.{version & 0xFFFF}, which is not known")
    if kind not in (_DYNAMIC, _STATIC) or link != _NO_UUID or parent != _NO_UUID:
        raise Invalid(
            "is only the difference to another VDI file",
            remedy="make a copy that stands alone: VBoxManage clonemedium OLD NEW",
        )
    if sector != 512 or block != 1024 * 1024 or extra:
        raise Invalid("has blocks of a size that cannot be")
    if not size or size > blocks * block or allocated > blocks or blocks > 0x3FFFFFFF:
        raise Invalid(f"has a table of {blocks} blocks, which does not fit its size")
    if bmap % 512 or data % 512 or bmap < 456 or data < bmap + blocks * 4:
        raise Invalid("has its table of blocks in no usable place")
    if source.whole and (data > source.size or data + allocated * block > source.size + block):
        raise Invalid("is cut short: its blocks lie beyond its end")
    return DiskImage("vdi", size)
