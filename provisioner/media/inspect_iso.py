"""ISO 9660, and UDF in its place: whether a file is one, its label, and whether all of it is there."""

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect_source import Source, numbers

_AT = 16 * 2048
_UDF = b"BEA01"  # begins the row of descriptors where nothing but UDF follows (ECMA-167, part 2)


def claims(source: Source) -> bool:
    return source.read(_AT + 1, 5) in (b"CD001", _UDF)


def read(source: Source) -> DiskImage:
    """Of UDF alone no label is read. Raises Invalid with what is wrong, as the rest of a sentence."""
    if source.read(_AT + 1, 5) == _UDF:
        return DiskImage("iso", source.size if source.whole else 0)
    kind, _name, version = numbers(source, "<B5sB", _AT)
    (label,) = numbers(source, "32s", _AT + 40)
    little, big = numbers(source, "<I", _AT + 80)[0], numbers(source, ">I", _AT + 84)[0]
    block, again = numbers(source, "<H", _AT + 128)[0], numbers(source, ">H", _AT + 130)[0]
    if kind not in (0, 1) or version != 1:
        raise Invalid("is an ISO image of a kind that is not known")
    if kind == 1 and (little != big or block != again or block not in (512, 1024, 2048)):
        raise Invalid("is an ISO image whose header contradicts itself")
    if kind == 1 and source.whole and little * block > source.size:
        raise Invalid(
            f"is cut short: {little * block} bytes are said, {source.size} are there",
            remedy="fetch it again, and compare its size and checksum with what its publisher says",
        )
    text = label.decode("ascii", "replace").strip(" \0") if kind == 1 else ""
    return DiskImage("iso", source.size if source.whole else little * block, label=text)
