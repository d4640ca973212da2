"""The installer's own packages (udebs): which are needed, and how a missing one is rebuilt."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.lab.debian_apt import Apt, Stanza

# Which kernel modules a `<name>-modules-<kernel>-di` piece holds, as patterns below the modules' `kernel/`.
MODULES = {
    "ext4-modules": ("fs/ext4/*", "fs/jbd2/*", "fs/mbcache*", "lib/crc16*", "lib/crc/*", "crypto/crc32*"),
    "scsi-modules": (
        "drivers/block/virtio_blk*",
        "drivers/scsi/virtio_scsi*",
        "drivers/scsi/sd_mod*",
        "drivers/scsi/scsi_*",
        "lib/crc64*",
        "lib/crc-t10dif*",
        "crypto/crct10dif*",
    ),
    "ata-modules": ("drivers/ata/libata*", "drivers/ata/libahci*", "drivers/ata/ahci*", "drivers/ata/ata_*"),
    "cdrom-core-modules": ("drivers/cdrom/*", "drivers/scsi/sr_mod*", "fs/isofs/*"),
}
INDEXES = "scsi-modules"
"""The one piece that runs depmod: all are unpacked before any is configured, and each run takes seconds."""
E2FSPROGS = ("mke2fs", "e2fsck", "tune2fs", "badblocks")
E2FSPROGS_LINKS = {
    "mkfs.ext2": "mke2fs",
    "mkfs.ext3": "mke2fs",
    "mkfs.ext4": "mke2fs",
    "fsck.ext2": "e2fsck",
    "fsck.ext3": "e2fsck",
    "fsck.ext4": "e2fsck",
}


def of_kernel(rows: Sequence[Stanza], kernel: str) -> list[Stanza]:
    """The rows, with those of the newest kernel told of `kernel` where the index is too old to know it.

    The files that such rows name are not there, so what is wanted of them is rebuilt.
    """
    versions = {row["Kernel-Version"]: row["Version"] for row in rows if "Kernel-Version" in row}
    if kernel in versions or not versions:
        return list(rows)
    newest = max(versions, key=lambda version: [int(part) for part in re.findall(r"\d+", version)])
    old, new = (re.split(r"[+-]", name)[0] for name in (newest, kernel))
    return [
        {key: value.replace(old, new) for key, value in row.items()}
        if row.get("Kernel-Version") == newest
        else row
        for row in rows
    ]


def closure(rows: Iterable[Stanza], held: set[str], kernel: str, wanted: Sequence[str]) -> list[Stanza]:
    """Every udeb that `wanted` pulls in and the initrd does not hold, of this kernel only."""
    known = {row["Package"]: row for row in rows if row.get("Kernel-Version", kernel) == kernel}
    provided: dict[str, list[str]] = {}
    for name, row in known.items():
        for virtual in _names(row.get("Provides", "")):
            provided.setdefault(virtual, []).append(name)
    satisfied = held | {virtual for virtual, names in provided.items() if held & set(names)}
    found: dict[str, Stanza] = {}
    open_names = list(wanted)
    while open_names:
        name = open_names.pop()
        if name in satisfied or name in found:
            continue
        if name in known:
            found[name] = known[name]
            open_names += _names(known[name].get("Depends", ""))
        elif not set(provided.get(name, ())) & {*found, *wanted}:
            open_names += provided.get(name, [])[:1]
    return [found[name] for name in sorted(found)]


def _names(field: str) -> list[str]:
    return [re.split(r"[ (|]", part.strip())[0] for part in field.split(",") if part.strip()]


def rebuild(row: Stanza, kernel: str, apt: Apt, work: Path, target: Path) -> str:
    """Builds one udeb from ordinary packages of the same version at `target`; returns how, in a few words."""
    name = row["Package"]
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "DEBIAN").mkdir(parents=True)
    kind = name.removesuffix(f"-{kernel}-di")
    if name == "e2fsprogs-udeb":
        how = _file_system_tools(apt, work, folder)
    elif kind in MODULES:
        how = _kernel_modules(MODULES[kind], kernel, apt, work, folder)
        if kind == INDEXES:
            _index_modules(kernel, folder)
    else:
        how = "an empty stub"
    fields = {key: row[key] for key in _KEPT if key in row}
    control = "".join(f"{key}: {value}\n" for key, value in fields.items())
    (folder / "DEBIAN/control").write_text(f"{control}Description: rebuilt from ordinary packages\n")
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "-b", folder, target],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return how


_KEPT = (
    "Package",
    "Version",
    "Architecture",
    "Section",
    "Priority",
    "Maintainer",
    "Depends",
    "Provides",
    "Kernel-Version",
)


def _unpacked(apt: Apt, package: str, work: Path) -> Path:
    target = work / "x" / package
    if not target.is_dir():
        target.mkdir(parents=True)
        subprocess.run(["dpkg-deb", "-x", apt.fetch(package, work / "debs"), target], check=True)
    return target


def _file_system_tools(apt: Apt, work: Path, folder: Path) -> str:
    (folder / "usr/sbin").mkdir(parents=True)
    (folder / "usr/lib").mkdir()
    (folder / "etc").mkdir()
    tools = _unpacked(apt, "e2fsprogs", work)
    for name in E2FSPROGS:
        shutil.copy2(next(tools.glob(f"**/*bin/{name}")), folder / "usr/sbin" / name)
    for link, name in E2FSPROGS_LINKS.items():
        (folder / "usr/sbin" / link).symlink_to(name)
    shutil.copy2(tools / "etc/mke2fs.conf", folder / "etc/mke2fs.conf")
    for package, pattern in (("libext2fs2t64", "lib*2[fp]*.so*"), ("libcom-err2", "libcom_err.so*")):
        for library in _unpacked(apt, package, work).glob(f"**/{pattern}"):
            shutil.copy2(library, folder / "usr/lib" / library.name, follow_symlinks=False)
    return "from e2fsprogs"


def _kernel_modules(patterns: Sequence[str], kernel: str, apt: Apt, work: Path, folder: Path) -> str:
    image = _unpacked(apt, f"linux-image-{kernel}", work)
    (modules,) = (path for path in image.glob(f"**/modules/{kernel}/kernel"))
    for pattern in patterns:
        for file in modules.glob(pattern):
            if file.suffix in (".ko", ".xz"):
                target = folder / "lib/modules" / kernel / "kernel" / file.relative_to(modules)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)
    return f"from linux-image-{kernel}"


def _index_modules(kernel: str, folder: Path) -> None:
    script = folder / "DEBIAN/postinst"
    script.write_text(f"#!/bin/sh\ndepmod -a {kernel}\n")
    script.chmod(0o755)
