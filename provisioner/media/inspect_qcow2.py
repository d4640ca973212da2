"""qcow2, versions 2 and 3: one file that stands alone, or it is refused."""

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers, shown

_MAGIC = b"QFI\xfb"
_MAX_L1_BYTES = 32 * 1024 * 1024
_MAX_REFCOUNT_BYTES = 8 * 1024 * 1024
_MAX_SNAPSHOTS = 65536
_ALONE = "make a copy that stands alone: qemu-img convert -O qcow2 OLD NEW"

# Incompatible features: dirty, corrupt, external data file, compression type, extended L2 entries.
_DIRTY, _CORRUPT, _DATA_FILE, _COMPRESSION, _EXTENDED = (1 << bit for bit in range(5))
_KNOWN = _DIRTY | _CORRUPT | _DATA_FILE | _COMPRESSION | _EXTENDED
_AUTOCLEAR_RAW_DATA = 2

_BACKING_FORMAT, _DATA_NAME, _CRYPTO = 0xE2792ACA, 0x44415441, 0x0537BE77
_HARMLESS = {0x6803F857: "feature names", 0x23852875: "bitmaps"}


def claims(source: Source) -> bool:
    return source.read(0, 4) == _MAGIC and source.read(4, 4) != b"\0\0\0\1"


def read(source: Source) -> DiskImage:
    """Raises Invalid with what is wrong, as the rest of a sentence."""
    version, backing, backing_size, bits, size, crypt, l1_size, l1, table, table_size, snapshots = numbers(
        source, ">IQIIQIIQQII", 4
    )
    if version not in (2, 3):
        raise Invalid(f"is a qcow file of version {version}, which is not known")
    if backing or backing_size:
        name = source.read(backing, min(backing_size, 1023))
        raise Invalid(f"names the backing file {shown(name)}", remedy=_ALONE)
    if not 9 <= bits <= 21:
        raise Invalid(f"has clusters of 2^{bits} bytes; 2^9 to 2^21 are allowed")
    if crypt:
        raise Invalid("is encrypted, which is not taken")
    header, findings, entry = 72, list[str](), 8
    if version == 3:
        header, entry = _features(source, bits, findings)
    _extensions(source, header, 1 << bits, findings)
    _tables(source, bits, size, l1, l1_size, entry)
    if table % (1 << bits) or not table or table_size << bits > _MAX_REFCOUNT_BYTES or not table_size:
        raise Invalid("has a table of reference counts in no usable place")
    _inside(source, table, table_size << bits, "table of reference counts")
    if snapshots > _MAX_SNAPSHOTS:
        raise Invalid(f"claims {snapshots} snapshots")
    if snapshots:
        findings.append(f"its {snapshots} internal snapshots are not copied")
    return DiskImage("qcow2", size, tuple(findings))


def _features(source: Source, bits: int, findings: list[str]) -> tuple[int, int]:
    """The header's length and the bytes of an entry of its second table."""
    incompatible, _compatible, autoclear, order, length = numbers(source, ">QQQII", 72)
    if unknown := incompatible & ~_KNOWN:
        named = ", ".join(str(bit) for bit in range(64) if unknown >> bit & 1)
        raise Invalid(f"needs features that are not known (bits {named})")
    if incompatible & _DATA_FILE or autoclear & _AUTOCLEAR_RAW_DATA:
        raise Invalid("keeps its data in another file", remedy=_ALONE)
    if incompatible & _CORRUPT:
        raise Invalid("is marked as corrupt", remedy="repair it where it was made: qemu-img check -r all")
    if incompatible & _DIRTY:
        findings.append("it was not closed properly")
    if length < 104 or length % 8 or length > 1 << bits:
        raise Invalid(f"has a header of {length} bytes, which cannot be")
    if order > 6:
        raise Invalid(f"has reference counts of 2^{order} bits, which cannot be")
    kind = numbers(source, ">B", 104)[0] if length > 104 else 0
    if kind > 1 or bool(kind) != bool(incompatible & _COMPRESSION):
        raise Invalid(f"is compressed in a way that is not known ({kind})")
    if incompatible & _EXTENDED and bits < 14:
        raise Invalid("has clusters too small for the subclusters it claims")
    return length, 16 if incompatible & _EXTENDED else 8


def _extensions(source: Source, offset: int, cluster: int, findings: list[str]) -> None:
    """All header extensions lie in the first cluster."""
    while offset + 8 <= cluster:
        kind, length = numbers(source, ">II", offset)
        if kind == 0:
            return
        offset += 8
        if length > cluster - offset:
            raise Invalid("has a header extension that does not end inside its header")
        value = source.read(offset, min(length, 1024))
        if kind == _BACKING_FORMAT:
            raise Invalid(f"names the format {shown(value)} of a backing file", remedy=_ALONE)
        if kind == _DATA_NAME:
            raise Invalid(f"keeps its data in another file, {shown(value)}", remedy=_ALONE)
        if kind == _CRYPTO:
            raise Invalid("is encrypted, which is not taken")
        if kind not in _HARMLESS:
            findings.append(f"it has a header extension {kind:#010x} that is not known")
        if len(findings) > 16:
            raise Invalid("has more header extensions than any image")
        offset += (length + 7) & ~7


def _tables(source: Source, bits: int, size: int, l1: int, l1_size: int, entry: int) -> None:
    covered = (1 << bits) * ((1 << bits) // entry)
    needed = -(-size // covered)
    if l1_size * 8 > _MAX_L1_BYTES or l1_size < needed:
        raise Invalid(f"has a first table of {l1_size} entries, which does not fit its size")
    if l1_size and (l1 % (1 << bits) or not l1):
        raise Invalid("has its first table in no usable place")
    _inside(source, l1, l1_size * 8, "first table")


def _inside(source: Source, offset: int, length: int, what: str) -> None:
    if source.whole and offset + length > source.size:
        raise Invalid(f"is cut short: its {what} lies beyond its end")
