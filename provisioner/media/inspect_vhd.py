"""VHD, Virtual PC's format: fixed and dynamic disks; differencing ones are refused."""

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers, shown

_COOKIE, _SPARSE = b"conectix", b"cxsparse"
_FIXED, _DYNAMIC, _DIFFERENCE = 2, 3, 4
_FOOTER = 512


def claims(source: Source) -> bool:
    return is_dynamic(source) or is_fixed(source)


def is_dynamic(source: Source) -> bool:
    return source.read(0, 8) == _COOKIE


def is_fixed(source: Source) -> bool:
    """A fixed disk is a raw one with a footer behind it."""
    return source.whole and source.size > _FOOTER and source.read(source.size - _FOOTER, 8) == _COOKIE


def read(source: Source) -> DiskImage:
    """Raises Invalid with what is wrong, as the rest of a sentence."""
    at = 0 if is_dynamic(source) else source.size - _FOOTER
    (version, table) = numbers(source, ">IQ", at + 12)
    (size,) = numbers(source, ">Q", at + 48)
    (kind,) = numbers(source, ">I", at + 60)
    if version >> 16 != 1:
        raise Invalid(f"is a VHD of version {version >> 16}, which is not known")
    if kind == _DIFFERENCE:
        raise Invalid("is only the difference to another VHD file")
    if kind not in (_FIXED, _DYNAMIC) or (kind == _DYNAMIC) != (at == 0):
        raise Invalid(f"is a VHD of type {kind}, which is not taken")
    if _checksum(source.read(at, _FOOTER), 64) != numbers(source, ">I", at + 64)[0]:
        raise Invalid("has a footer whose checksum is wrong")
    if kind == _FIXED:
        if size % 512 or size > at:
            raise Invalid("is cut short: it is smaller than the disk it claims to be")
        return DiskImage("vhd", size)
    _dynamic(source, table, size)
    end = source.read(source.size - _FOOTER, _FOOTER) if source.whole else b""
    if end[:8] == _COOKIE and end[48:64] != source.read(48, 16):
        raise Invalid("says other things at its end than at its beginning")
    return DiskImage("vhd", size)


def _dynamic(source: Source, at: int, size: int) -> None:
    if source.read(at, 8) != _SPARSE:
        raise Invalid("is cut short or damaged: its second header is not there")
    table, _version, entries, block = numbers(source, ">QIII", at + 16)
    parent = source.read(at + 40, 16)
    name = source.read(at + 64, 512).decode("utf-16-be", "replace").rstrip("\0")
    locators = source.read(at + 576, 192)
    if parent.strip(b"\0") or name or locators.strip(b"\0"):
        raise Invalid(f"names the parent file {shown(name.encode())}")
    if _checksum(source.read(at, 1024), 36) != numbers(source, ">I", at + 36)[0]:
        raise Invalid("has a second header whose checksum is wrong")
    if block & (block - 1) or not 4096 <= block <= 256 * 1024 * 1024:
        raise Invalid(f"has blocks of {block} bytes, which cannot be")
    if entries * block < size or entries > 0x10000000:
        raise Invalid(f"has a table of {entries} blocks, which does not fit its size")
    if source.whole and table + entries * 4 > source.size:
        raise Invalid("is cut short: its table of blocks lies beyond its end")


def _checksum(raw: bytes, skip: int) -> int:
    return ~sum(raw[:skip] + raw[skip + 4 :]) & 0xFFFFFFFF
