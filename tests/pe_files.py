"""PE files and certificates as small as they can be, with nothing in them but what is read."""

import struct
from collections.abc import Mapping, Sequence

X64, ARM64 = 0x8664, 0xAA64
SBAT = b"sbat,1,SBAT Version,sbat,1,https://x\ngrub,5,FSF,grub,2.06,https://y\ngrub.debian,4,D,grub2,1,https://z\n"
_CN = b"\x06\x03\x55\x04\x03"


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else b"\x82" + struct.pack(">H", size)
    return bytes([tag]) + length + body


def name(common: str) -> bytes:
    return der(0x30, der(0x31, der(0x30, _CN, der(0x0C, common.encode()))))


def certificate(subject: str, issuer: str, serial: int = 7) -> bytes:
    """Names and a serial number; a key and a signature it has not."""
    version, number = der(0xA0, der(2, b"\x02")), der(2, bytes([serial]))
    return der(0x30, der(0x30, version, number, der(0x30), name(issuer), der(0x30), name(subject)))


def signature(subject: str, issuer: str, *, held: bool = True, serial: int = 7) -> bytes:
    """A PKCS #7 SignedData; without the certificate where it is not `held`."""
    certificates = der(0xA0, certificate("an intermediate", "a root", 9), certificate(subject, issuer))
    info = der(0x30, der(2, b"\x01"), der(0x30, name(issuer), der(2, bytes([serial]))))
    data = der(0x30, der(2, b"\x01"), der(0x31), der(0x30), certificates if held else b"", der(0x31, info))
    return der(0x30, der(6, bytes.fromhex("2a864886f70d010702")), der(0xA0, data))


def vendor(allowed: bytes) -> bytes:
    """A shim's `.vendor_cert`."""
    return struct.pack("<IIII", len(allowed), 0, 16, 16 + len(allowed)) + allowed


def signature_list(*certificates: bytes) -> bytes:
    """EFI_SIGNATURE_LISTs, one for each certificate."""
    kind = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
    return b"".join(
        kind + struct.pack("<III", 28 + 16 + len(each), 0, 16 + len(each)) + bytes(16) + each
        for each in certificates
    )


def level(automatic: bytes, latest: bytes = b"") -> bytes:
    """A shim's `.sbatlevel`."""
    return struct.pack("<III", 0, 8, 8 + len(automatic) + 1) + automatic + b"\0" + latest + b"\0"


def pe(
    machine: int = X64,
    sections: Mapping[str, bytes] | None = None,
    signatures: Sequence[bytes] = (),
    *,
    subsystem: int = 10,
) -> bytes:
    """A PE32+ file; names of more than eight letters stand in its string table, as GNU's linker has them."""
    sections = sections or {}
    names = b"".join(each.encode() + b"\0" for each in sections)
    optional_size, table = 112 + 5 * 8, 64 + 24 + 112 + 5 * 8
    symbols = table + 40 * len(sections)
    body = symbols + 4 + len(names)
    rows, content, at = b"", b"", 4
    for each, data in sections.items():
        short = each.encode() if len(each) <= 8 else f"/{at}".encode()
        rows += short.ljust(8, b"\0") + struct.pack("<IIII16x", len(data), 0, len(data), body + len(content))
        content, at = content + data, at + len(each) + 1
    table_of = b"".join(
        (struct.pack("<IHH", 8 + len(each), 0x200, 2) + each).ljust((8 + len(each) + 7) // 8 * 8, b"\0")
        for each in signatures
    )
    optional = bytearray(optional_size)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<H", optional, 68, subsystem)
    struct.pack_into("<I", optional, 108, 5)
    struct.pack_into("<II", optional, 112 + 32, body + len(content) if table_of else 0, len(table_of))
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, len(sections), 0, symbols, 0, optional_size, 0)
    strings = struct.pack("<I", 4 + len(names)) + names
    return head + coff + bytes(optional) + rows + strings + content + table_of


def shim(trusts: str = "Debian Secure Boot CA", automatic: bytes = b"sbat,1,2025\nshim,4\ngrub,5\n") -> bytes:
    return pe(
        X64,
        {
            ".sbat": b"sbat,1,x\nshim,4,y\n",
            ".vendor_cert": vendor(certificate(trusts, trusts)),
            ".sbatlevel": level(automatic),
        },
        [signature("Microsoft Windows UEFI Driver Publisher", "Microsoft Corporation UEFI CA 2011")],
    )


def grub(issuer: str = "Debian Secure Boot CA", sbat: bytes = SBAT) -> bytes:
    return pe(X64, {".sbat": sbat}, [signature("Debian Secure Boot Signer 2022 - grub2", issuer)])
