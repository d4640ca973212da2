"""Evil images of every class, made from good ones by changing what an attacker would change."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.unit.media.bases import SIZE, iso, mbr, packed, run

Evil = Iterator[tuple[str, bytes]]
HUGE = 2**63
METADATA = 3 * 1024 * 1024
"""Where QEMU puts the metadata of a VHDX."""


def put(content: bytes, offset: int, value: bytes) -> bytes:
    return content[:offset] + value + content[offset + len(value) :]


def big(content: bytes, offset: int, form: str, *values: int) -> bytes:
    return put(content, offset, struct.pack(">" + form, *values))


def little(content: bytes, offset: int, form: str, *values: int) -> bytes:
    return put(content, offset, struct.pack("<" + form, *values))


def backing(content: bytes, name: str) -> bytes:
    """A qcow2 image that names a backing file, in a part of its first cluster that is free."""
    text = name.encode()
    return put(big(content, 8, "QI", 1024, len(text)), 1024, text)


def extension(content: bytes, kind: int, value: bytes, length: int | None = None) -> bytes:
    """With a header extension in front of the others."""
    start = struct.unpack(">I", content[100:104])[0]
    row = struct.pack(">II", kind, len(value) if length is None else length) + value
    return put(content, start, row + bytes(-len(value) % 8) + bytes(8))


def footer(content: bytes, at: int) -> bytes:
    """With the right checksum of a VHD footer."""
    part = put(content[at : at + 512], 64, bytes(4))
    return put(content, at + 64, struct.pack(">I", ~sum(part) & 0xFFFFFFFF))


def vhd(content: bytes, offset: int, form: str, value: int) -> bytes:
    """A dynamic VHD with one number changed in both copies of its footer."""
    last = len(content) - 512
    changed = big(big(content, offset, form, value), last + offset, form, value)
    return footer(footer(changed, 0), last)


def vhdx_item(content: bytes, key: int) -> int:
    """Where the metadata entry of a number is (0 parameters, 1 size, in QEMU's order)."""
    return METADATA + 32 + 32 * key


def descriptor(kind: str, *lines: str, parent: str = "ffffffff") -> bytes:
    text = [
        "# Disk DescriptorFile",
        "version=1",
        "CID=12345678",
        f"parentCID={parent}",
        f'createType="{kind}"',
    ]
    return "\n".join([*text, *lines, 'ddb.adapterType = "ide"', ""]).encode()


def vmdk(content: bytes, kind: str, *lines: str, parent: str = "ffffffff") -> bytes:
    """A sparse VMDK with another descriptor."""
    offset, sectors = struct.unpack("<QQ", content[28:44])
    return put(content, offset * 512, descriptor(kind, *lines, parent=parent).ljust(sectors * 512, b"\0"))


def backings(good: Mapping[str, bytes], canary: Path) -> Evil:
    names = (str(canary), "../" * 12 + str(canary).lstrip("/"), f"file:{canary}", "nbd://127.0.0.1:10809/x",
             "http://127.0.0.1/x", "ssh://root@localhost/etc/shadow", "fat:/etc", "/dev/vda",
             "host_device:/dev/sda", "x" * 1023)  # fmt: skip
    for base in ("qcow2", "qcow2-v2"):
        yield from ((f"{base}-{number}", backing(good[base], name)) for number, name in enumerate(names))
    yield "qcow2-offset-only", big(good["qcow2"], 8, "Q", 1024)
    yield "qcow2-size-only", big(good["qcow2"], 16, "I", 20)
    yield "qcow2-format-only", extension(good["qcow2"], 0xE2792ACA, b"raw")
    yield "vdi-difference", little(good["vdi"], 76, "I", 4)
    yield "vdi-parent", put(good["vdi"], 440, b"p" * 16)
    yield "vhd-difference", vhd(good["vhd"], 60, "I", 4)
    yield "vhd-parent-name", put(good["vhd"], 512 + 64, "/etc/shadow".encode("utf-16-be"))
    parameters = vhdx_item(good["vhdx"], 0)
    at = METADATA + struct.unpack_from("<I", good["vhdx"], parameters + 16)[0]
    yield "vhdx-parent", little(good["vhdx"], at + 4, "I", 2)
    locator = bytes.fromhex("2d5fd3a80bb34d45abf7d3d84834ab0c")
    yield "vhdx-locator", put(good["vhdx"], vhdx_item(good["vhdx"], 3), locator)


def jsons(good: Mapping[str, bytes], canary: Path) -> Evil:
    inner = (
        f'{{"driver":"raw","file":{{"driver":"file","filename":"{canary}"}}}}',
        f'{{"file.filename":"{canary}"}}',
        f'{{"driver":"qcow2","file":{{"driver":"file","filename":"{canary}"}}}}',
        '{"driver":"nbd","server":{"type":"inet","host":"127.0.0.1","port":"10809"}}',
        '{"driver":"nbd","server":{"type":"unix","path":"/run/libvirt/libvirt-sock"}}',
        '{"driver":"https","url":"https://169.254.169.254/latest"}',
        '{"driver":"ssh","server.host":"localhost","path":"/etc/shadow"}',
        '{"driver":"host_device","filename":"/dev/vda"}',
        '{"driver":"blkdebug","image":{"driver":"file","filename":"/etc/shadow"}}',
        '{"driver":"quorum","children":[{"driver":"file","filename":"/etc/shadow"}],"vote-threshold":1}',
        '{"driver":"vvfat","dir":"/etc","fat-type":16}',
        '{"driver":"null-co","size":"8E"}',
        "{",
    )
    for base in ("qcow2", "qcow2-v2"):
        yield from ((f"{base}-{n}", backing(good[base], f"json:{text}")) for n, text in enumerate(inner))


def data_files(good: Mapping[str, bytes], canary: Path) -> Evil:
    marked = big(good["qcow2"], 72, "Q", 4)
    yield "bit", marked
    names = (str(canary), "/dev/vda", "/etc/shadow", "../x", "nbd://127.0.0.1/x", "file:/etc/passwd",
             'json:{"driver":"file","filename":"/etc/shadow"}', "x")  # fmt: skip
    for number, name in enumerate(names):
        yield f"name-{number}", extension(marked, 0x44415441, name.encode())
        yield f"name-without-bit-{number}", extension(good["qcow2"], 0x44415441, name.encode())
    yield "raw-bit", big(marked, 88, "Q", 2)
    yield "raw-bit-alone", big(good["qcow2"], 88, "Q", 2)
    yield "extended", big(good["qcow2-extended"], 72, "Q", 4 | 16)


def extents(good: Mapping[str, bytes], canary: Path) -> Evil:
    sectors = SIZE // 512
    sparse = f'RW {sectors} SPARSE "x.vmdk"'
    yield "flat", descriptor("monolithicFlat", f'RW {sectors} FLAT "{canary}" 0')
    yield "two-files", descriptor("twoGbMaxExtentFlat", f'RW {sectors} FLAT "a" 0', f'RW 8 FLAT "{canary}" 0')
    yield "vmfs", descriptor("vmfs", f'RW {sectors} VMFS "{canary}"')
    yield "device", descriptor("fullDevice", f'RW {sectors} FLAT "/dev/vda" 0')
    yield "sparse-elsewhere", descriptor("twoGbMaxExtentSparse", f'RW {sectors} SPARSE "../x.vmdk"')
    yield "comments-first", b"# a\n\n# b\n" + descriptor("monolithicFlat", f'RW 9 FLAT "{canary}" 0')[22:]
    yield "dos-lines", descriptor("monolithicFlat", f'RW 9 FLAT "{canary}" 0').replace(b"\n", b"\r\n")
    yield "version-2", descriptor("monolithicFlat").replace(b"version=1", b"version=2")
    yield (
        "upper-case",
        descriptor("monolithicFlat").replace(b"# Disk DescriptorFile", b"# DISK DESCRIPTORFILE"),
    )
    base = good["vmdk"]
    yield "inside-flat", vmdk(base, "monolithicFlat", f'RW {sectors} FLAT "{canary}" 0')
    yield "inside-sparse-path", vmdk(base, "monolithicSparse", f'RW {sectors} SPARSE "{canary}"')
    yield "inside-up", vmdk(base, "monolithicSparse", f'RW {sectors} SPARSE "..\\..\\x"')
    yield "inside-protocol", vmdk(base, "monolithicSparse", f'RW {sectors} SPARSE "nbd:x"')
    yield "inside-two", vmdk(base, "monolithicSparse", sparse, f'RW {sectors} FLAT "{canary}" 0')
    yield "inside-none", vmdk(base, "monolithicSparse")
    yield "inside-zero", vmdk(base, "monolithicSparse", f"RW {sectors} ZERO")
    yield "inside-flat-in-sparse", vmdk(base, "monolithicSparse", f'RW {sectors} FLAT "{canary}" 0')
    yield "parent", vmdk(base, "monolithicSparse", sparse, parent="12345678")
    yield "hint", vmdk(base, "monolithicSparse", f'parentFileNameHint="{canary}"', sparse)
    yield "two-types", vmdk(base, "monolithicSparse", 'createType="monolithicFlat"', sparse)
    yield "no-capacity", little(base, 12, "Q", 0)
    yield "no-descriptor", little(base, 28, "Q", 0)
    yield "huge-descriptor", little(base, 36, "Q", 2**40)
    stream = good["vmdk-at-end"]
    yield "footer-descriptor", little(stream, len(stream) - 1024 + 28, "Q", 5)
    yield "footer-capacity", little(stream, len(stream) - 1024 + 12, "Q", 2 * sectors)


def polyglots(good: Mapping[str, bytes], canary: Path) -> Evil:
    disc = iso()[32768:34816]
    for name in ("qcow2", "vmdk", "vdi", "vhd", "vhdx"):
        content = good[name].ljust(131072, b"\0")
        yield f"{name}-iso", put(content, 32768, disc)
        yield f"{name}-disk", put(content, 446, mbr()[446:])
        if name != "vhd":
            yield f"{name}-fixed-vhd", content + good["vhd-fixed"][-512:]
        yield f"{name}-dmg", content + b"koly".ljust(512, b"\0")
    yield "qcow2-vdi", put(good["qcow2"], 64, b"\x7f\x10\xda\xbe")
    yield "qcow2-ext", put(good["qcow2"], 1080, b"\x53\xef")
    yield "qcow2-gpt", put(good["qcow2"], 512, b"EFI PART")
    yield "iso-vdi", put(iso(), 64, b"\x7f\x10\xda\xbe")
    yield "iso-qcow2", put(iso(), 0, backing(good["qcow2"], str(canary))[:4096])
    yield "iso-luks", put(iso(), 0, b"LUKS\xba\xbe")


def sizes(good: Mapping[str, bytes], canary: Path) -> Evil:
    for number in (HUGE, HUGE - 512, 2**62, 2**60, 2**64 - 512, 65 * 2**40):
        yield f"qcow2-{number}", big(good["qcow2"], 24, "Q", number)
        yield f"vdi-{number}", little(good["vdi"], 368, "Q", number)
        yield f"vhd-{number}", vhd(good["vhd"], 48, "Q", number)
        yield f"vmdk-{number}", little(good["vmdk"], 12, "Q", number // 512)
        at = vhdx_item(good["vhdx"], 1)
        where = METADATA + struct.unpack_from("<I", good["vhdx"], at + 16)[0]
        yield f"vhdx-{number}", little(good["vhdx"], where, "Q", number)
    # The tables fit the size that is claimed: only the size itself is absurd.
    yield "qcow2-whole", big(good["qcow2-huge"], 24, "QII", 2**60, 0, 2**18)


def chains(folder: Path, canary: Path) -> Evil:
    """Made by qemu-img itself."""
    disk = folder / "chain.raw"
    disk.write_bytes(canary.read_bytes())
    links: list[tuple[str, Path, str]] = [("raw", disk, "raw")]
    for number, form in enumerate(
        ("qcow2", "qcow2", "vmdk", "qcow2", "qcow2", "qcow2", "qcow2", "qcow2", "qcow2")
    ):
        before = links[-1]
        if form == "vmdk":  # VMDK takes VMDK parents only
            base = folder / "base.vmdk"
            run("qemu-img", "create", "-f", "vmdk", base, "2M")
            before = ("", base, "vmdk")
        path = folder / f"link{number}.{form}"
        run("qemu-img", "create", "-f", form, "-b", before[1], "-F", before[2], path)
        links.append((f"{number}-{form}", path, form))
    for name, path, _ in links[1:]:
        yield name, path.read_bytes()
    top = links[-1][1].read_bytes()
    for kind in ("gz", "xz", "zst", "bz2"):
        yield f"packed-{kind}", packed(top, kind)


def features(good: Mapping[str, bytes], canary: Path) -> Evil:
    for bit in (5, 6, 7, 8, 15, 16, 31, 32, 33, 47, 62, 63):
        yield f"bit-{bit}", big(good["qcow2"], 72, "Q", 1 << bit)
    yield "all", big(good["qcow2"], 72, "Q", 2**64 - 1)
    yield "corrupt", big(good["qcow2"], 72, "Q", 2)
    yield "compression", big(good["qcow2-zstd"], 104, "B", 7)
    yield "encrypted", big(good["qcow2"], 32, "I", 1)
    yield "luks", extension(good["qcow2"], 0x0537BE77, bytes(16))
    for version in (0, 1, 4, 2**32 - 1):
        yield f"version-{version}", big(good["qcow2"], 4, "I", version)
    yield "vmdk-version", little(good["vmdk"], 4, "I", 4)
    yield "vmdk-compression", little(good["vmdk-stream"], 77, "H", 2)
    yield "vdi-version", little(good["vdi"], 68, "I", 0x00020000)
    yield "vhd-version", vhd(good["vhd"], 12, "I", 0x00020000)
    yield "vhdx-region", put(good["vhdx"], 192 * 1024 + 48, bytes(range(16)))
    yield "vhdx-item", put(good["vhdx"], vhdx_item(good["vhdx"], 3), bytes(range(16)))


def truncated(good: Mapping[str, bytes], canary: Path) -> Evil:
    for name, lengths in {
        "qcow2": (5, 40, 71, 80, 103, 200, 65536),
        "qcow2-v2": (8, 70, 72),
        "vmdk": (4, 30, 76, 79, 512),
        "vdi": (68, 100, 380, 455, 512),
        "vhd": (8, 60, 511, 512, 600, 1500),
        "vhdx": (8, 65536, 192 * 1024, 192 * 1024 + 20, METADATA, METADATA + 40),
        "iso": (32774, 32800, 34000, 65536),
    }.items():
        yield from ((f"{name}-{length}", good[name][:length]) for length in lengths)


def absurd(good: Mapping[str, bytes], canary: Path) -> Evil:
    base = good["qcow2"]
    for bits in (0, 1, 8, 22, 31, 63, 2**31, 2**32 - 1):
        yield f"cluster-{bits}", big(base, 20, "I", bits)
    for count in (0, 2**22 + 1, 2**32 - 1):
        yield f"l1-{count}", big(base, 36, "I", count)
    for place in (0, 1, 2**40, 2**63):
        yield f"l1-at-{place}", big(base, 40, "Q", place)
        yield f"refcounts-at-{place}", big(base, 48, "Q", place)
    yield "refcounts-none", big(base, 56, "I", 0)
    yield "refcounts-many", big(base, 56, "I", 2**31)
    yield "snapshots", big(base, 60, "I", 2**31)
    yield "header-0", big(base, 100, "I", 0)
    yield "header-huge", big(base, 100, "I", 2**31)
    yield "order", big(base, 96, "I", 63)
    yield "extension", extension(base, 0x12345678, b"", 2**32 - 1)
    yield "no-size", big(base, 24, "Q", 0)
    yield "vmdk-grain", little(good["vmdk"], 20, "Q", 3)
    yield "vmdk-entries", little(good["vmdk"], 44, "I", 2**31)
    yield "vdi-block", little(good["vdi"], 376, "I", 3)
    yield "vdi-blocks", little(good["vdi"], 384, "I", 0)
    yield "vhd-block", big(good["vhd"], 512 + 32, "I", 3)


def everything(good: Mapping[str, bytes], folder: Path, canary: Path) -> dict[str, dict[str, bytes]]:
    """The images of each class by their names."""
    return {
        "backing file": dict(backings(good, canary)),
        "json: backing": dict(jsons(good, canary)),
        "external data file": dict(data_files(good, canary)),
        "VMDK extent elsewhere": dict(extents(good, canary)),
        "polyglot": dict(polyglots(good, canary)),
        "8 EiB": dict(sizes(good, canary)),
        "chain": dict(chains(folder, canary)),
        "unknown feature": dict(features(good, canary)),
        "truncated header": dict(truncated(good, canary)),
        "absurd table": dict(absurd(good, canary)),
    }
