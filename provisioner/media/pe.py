"""What a first loader's bytes say: processor, signers, SBAT, and whom a shim trusts.

PE/COFF as Microsoft's "PE Format" and the UEFI specification, section 2.1.1, have it. Every offset is that of
a stranger: each is tried, none is believed.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioner.core.errors import Invalid
from provisioner.core.loaders import Generation, Signer
from provisioner.media.authenticode import signers, subject
from provisioner.media.der import SEQUENCE

MACHINES: Mapping[int, str] = {
    0x014C: "ia32",
    0x01C0: "arm32",
    0x01C2: "arm32",
    0x01C4: "arm32",
    0x0EBC: "ebc",
    0x5032: "riscv32",
    0x5064: "riscv64",
    0x6264: "loongarch64",
    0x8664: "x64",
    0xAA64: "arm64",
}
_EFI_APPLICATION = 10
_PKCS7 = 2
_MOST_LINES = 100
_ESL_X509 = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
Sections = Mapping[str, memoryview]


@dataclass(frozen=True, slots=True)
class Pe:
    """`machine` as in `MACHINES`, or the number in hex; `application` whether firmware may start it."""

    machine: str
    application: bool
    signers: tuple[Signer, ...]
    sbat: tuple[Generation, ...]
    trusts: tuple[str, ...]
    revokes: tuple[Generation, ...]


def read(content: bytes) -> Pe:
    """Raises Invalid for what is no PE file, is cut off, or is signed in a way that cannot be read."""
    data = memoryview(content)
    if content[:2] != b"MZ":
        raise Invalid("it is no EFI program: it does not begin with MZ")
    header = _number(data, "<I", 0x3C)
    if bytes(_part(data, header, 4)) != b"PE\0\0":
        raise Invalid("it is no EFI program: it has no PE header")
    machine, count, size = (_number(data, "<H", header + 4 + at) for at in (0, 2, 16))
    optional = _part(data, header + 24, size)
    wide = {0x10B: 0, 0x20B: 16}.get(_number(optional, "<H", 0))
    if wide is None:
        raise Invalid("it is no EFI program: its optional header is of no known kind")
    sections = _sections(data, header + 24 + size, count)
    return Pe(
        MACHINES.get(machine, f"{machine:#x}"),
        _number(optional, "<H", 68) == _EFI_APPLICATION,
        tuple(_signers(data, optional, 92 + wide)),
        _generations(bytes(sections.get(".sbat", b""))),
        tuple(_trusts(sections.get(".vendor_cert", memoryview(b"")))),
        _revokes(sections.get(".sbatlevel", memoryview(b""))),
    )


def _part(data: memoryview, offset: int, size: int) -> memoryview:
    if offset + size > len(data):
        raise Invalid("the file is cut off, or damaged")
    return data[offset : offset + size]


def _number(data: memoryview, form: str, offset: int) -> int:
    number: int = struct.unpack(form, _part(data, offset, struct.calcsize(form)))[0]
    return number


def _sections(data: memoryview, table: int, count: int) -> Sections:
    """By name; what is longer in the file than in memory is padding."""
    found: dict[str, memoryview] = {}
    for number in range(count):
        row = _part(data, table + 40 * number, 40)
        virtual, _, raw, offset = struct.unpack("<IIII", row[8:24])
        name = bytes(row[:8]).rstrip(b"\0")
        if name.startswith(b"/"):
            name = _long_name(data, name)
        if raw:
            found.setdefault(name.decode("ascii", "replace"), _part(data, offset, raw)[: virtual or raw])
    return found


def _signers(data: memoryview, optional: memoryview, counted: int) -> Iterator[Signer]:
    """Of the attribute certificate table, data directory 4, whose address is an offset in the file."""
    if _number(optional, "<I", counted) < 5:
        return
    offset, size = (_number(optional, "<I", counted + 4 + 8 * 4 + at) for at in (0, 4))
    table = _part(data, offset, size) if size else memoryview(b"")
    while len(table) >= 8:
        length, _, kind = struct.unpack("<IHH", table[:8])
        if length < 8:
            raise Invalid("the file's certificate table is damaged")
        certificate = _part(table, 0, length)
        if kind == _PKCS7:
            yield from signers(certificate[8:])
        table = table[(length + 7) // 8 * 8 :]


def _generations(text: bytes) -> tuple[Generation, ...]:
    """The first two columns of SBAT's lines (shim, SBAT.md); what is no such line is passed over."""
    found = []
    for line in text.rstrip(b"\0").decode("ascii", "replace").splitlines()[:_MOST_LINES]:
        component, number = [*(cell.strip() for cell in line.split(",")), ""][:2]
        if (
            component.isprintable()
            and component
            and number.isascii()
            and number.isdigit()
            and len(number) < 10
        ):
            found.append(Generation(component[:80], int(number)))
    return tuple(found)


def _long_name(data: memoryview, name: bytes) -> bytes:
    """A section's name of more than eight letters stands behind the symbol table, as GNU's linker does it."""
    header = _number(data, "<I", 0x3C)
    symbols, count = _number(data, "<I", header + 12), _number(data, "<I", header + 16)
    if not name[1:].isdigit() or not symbols:
        return name
    return bytes(data[symbols + 18 * count + int(name[1:]) :][:64]).partition(b"\0")[0]


def _trusts(section: memoryview) -> Iterator[str]:
    """A shim's `.vendor_cert`: sizes and offsets, then a certificate or signature lists (shim, cert.S)."""
    if len(section) < 16:
        return
    size, _, offset, _ = struct.unpack("<IIII", section[:16])
    allowed = _part(section, offset, size)
    if allowed and allowed[0] == SEQUENCE:
        yield subject(allowed)
        return
    while len(allowed) >= 28:  # EFI_SIGNATURE_LIST (UEFI, section 32.4.1)
        length, head, each = struct.unpack("<III", allowed[16:28])
        one = _part(allowed, 0, max(length, 28))
        if bytes(one[:16]) == _ESL_X509 and each > 16:
            rows = one[28 + head :]
            for at in range(0, len(rows) - each + 1, each):
                yield subject(rows[at + 16 : at + each])
        allowed = allowed[len(one) :]


def _revokes(section: memoryview) -> tuple[Generation, ...]:
    """A shim's `.sbatlevel`: the level that it sets by itself. Offsets count from behind the version."""
    if len(section) < 12:
        return ()
    version, offset = struct.unpack("<II", section[:8])
    return _generations(bytes(section[4 + offset :]).partition(b"\0")[0]) if version == 0 else ()
