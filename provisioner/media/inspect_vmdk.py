"""VMDK: one sparse file that holds its own descriptor. What names other files is refused."""

import re

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers, shown

_MAGIC = b"KDMV"
_AT_END = 2**64 - 1
_SECTOR = 512
_MAX_DESCRIPTOR = 1024 * 1024
_TYPES = ("monolithicsparse", "streamoptimized")
_COMPRESSED = 1 << 16
_EXTENT = re.compile(rb'(RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)\s*(?:"([^"]*)")?(.*)', re.IGNORECASE)
_ALONE = "make one file of it where it was made: qemu-img convert -O qcow2 OLD NEW"


def claims(source: Source) -> bool:
    return source.read(0, 4) == _MAGIC


def is_descriptor(source: Source) -> bool:
    """A text that names its extents; QEMU skips comments and blanks before its `version=`."""
    for line in source.read(0, 4096).splitlines():
        text = line.strip().lower()
        if b"disk descriptorfile" in text or text.startswith((b"version=", b"createtype")):
            return True
        if text and not text.startswith(b"#"):
            return False
    return False


def read(source: Source) -> DiskImage:
    """Raises Invalid with what is wrong, as the rest of a sentence."""
    capacity = _header(source, 0)
    (directory,) = numbers(source, "<Q", 56)
    if directory == _AT_END:
        _footer(source, capacity)
    offset, sectors = numbers(source, "<QQ", 28)
    if not offset or not sectors or sectors * _SECTOR > _MAX_DESCRIPTOR:
        raise Invalid("has no descriptor of usable size", remedy=_ALONE)
    text = source.read(offset * _SECTOR, sectors * _SECTOR)
    if not text:
        raise Invalid("is cut short inside its header")
    _descriptor(text, capacity)
    return DiskImage("vmdk", capacity * _SECTOR)


def _header(source: Source, at: int) -> int:
    """The capacity in sectors."""
    version, flags, capacity, grain = numbers(source, "<IIQQ", at + 4)
    (entries,) = numbers(source, "<I", at + 44)
    (compression,) = numbers(source, "<H", at + 77)
    if version not in (1, 2, 3):
        raise Invalid(f"is a VMDK of version {version}, which is not known")
    if not capacity:
        raise Invalid("keeps its data in other files", remedy=_ALONE)
    if grain & (grain - 1) or not 1 < grain <= 0x20000 or entries != 512:
        raise Invalid("has grains of a size that cannot be")
    if capacity // (entries * grain) > 0x8000000:
        raise Invalid("has a grain directory that does not fit its size")
    if bool(flags & _COMPRESSED) != (compression == 1) or compression > 1:
        raise Invalid(f"is compressed in a way that is not known ({compression})")
    return int(capacity)


def _footer(source: Source, capacity: int) -> None:
    """A stream-optimised file says everything again at its end, and QEMU believes that."""
    at = source.size - 2 * _SECTOR
    if not source.whole or not (raw := source.read(at, 4)):
        return  # it has not come yet
    if raw != _MAGIC or _header(source, at) != capacity or numbers(source, "<Q", at + 56)[0] == _AT_END:
        raise Invalid("says other things at its end than at its beginning, or is cut short")
    for where in (28, 36):
        if numbers(source, "<Q", at + where) not in (numbers(source, "<Q", where), (0,)):
            raise Invalid("names another descriptor at its end than at its beginning")


def _descriptor(text: bytes, capacity: int) -> None:
    seen: dict[bytes, bytes] = {}
    extents = []
    for line in text.rstrip(b"\0").split(b"\0")[0].splitlines():
        stripped = line.strip()
        if match := _EXTENT.match(stripped):
            extents.append(match)
            continue
        key, equals, value = stripped.partition(b"=")
        if equals and not stripped.startswith(b"#"):
            key = key.strip().lower()
            if key in seen and key in (b"createtype", b"parentcid"):
                raise Invalid(f"says {shown(key)} twice")
            seen[key] = value.strip().strip(b'"')
    kind = seen.get(b"createtype", b"").decode("latin-1").lower()
    if kind not in _TYPES:
        raise Invalid(f"is a VMDK of the type {shown(seen.get(b'createtype', b''))}", remedy=_ALONE)
    if seen.get(b"parentcid", b"ffffffff").lower() != b"ffffffff" or b"parentfilenamehint" in seen:
        named = shown(seen.get(b"parentfilenamehint", b"another"))
        raise Invalid(f"is only the difference to the file {named}", remedy=_ALONE)
    if len(extents) != 1:
        raise Invalid(f"is made of {len(extents)} extents; one is taken", remedy=_ALONE)
    _, length, form, name, _rest = extents[0].groups()
    if form.upper() != b"SPARSE" or not name or b"/" in name or b"\\" in name or b":" in name:
        raise Invalid(f"keeps its data in another file, {shown(name or form)}", remedy=_ALONE)
    if int(length) != capacity:
        raise Invalid("says two different sizes")
