"""ISO files of trees, such as distributions publish: bootable by BIOS (isolinux) and by UEFI (GRUB)."""

import io
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pycdlib import PyCdlib

ISOLINUX = Path("/usr/lib/ISOLINUX/isolinux.bin")
LDLINUX = Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")
GRUB_MODULES = (
    *("iso9660", "part_gpt", "part_msdos", "fat", "search", "search_fs_file", "search_label"),
    *("linux", "normal", "echo", "serial", "efi_gop", "all_video"),
)


@dataclass(frozen=True, slots=True)
class Boot:
    """What both boot loaders start: paths in the ISO, and the arguments."""

    kernel: str
    initrd: str
    arguments: str


def missing() -> str:
    """The packages that are not here, "" where all are."""
    needed = {
        ISOLINUX.is_file(): "isolinux",
        LDLINUX.is_file(): "syslinux-common",
        bool(shutil.which("mformat")): "mtools",
        bool(shutil.which("grub-mkimage")): "grub-common grub-efi-amd64-bin",
    }
    return " ".join(package for there, package in needed.items() if not there)


def write_iso(place: Path, label: str, root: Path, boot: Boot | None = None) -> Path:
    """The tree at `root` (files, folders and links) as an ISO with Rock Ridge and Joliet names."""
    iso = PyCdlib()
    iso.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09")
    with tempfile.TemporaryDirectory() as work:
        builder = _Builder(iso)
        builder.add(root, "", "")
        if boot is not None:
            _bootable(builder, boot, Path(work))
        iso.write(str(place))
        iso.close()
    return place


class _Builder:
    """Gives each file an ISO 9660 name of its own making: a dot file has none that pycdlib takes."""

    def __init__(self, iso: PyCdlib) -> None:
        self.iso = iso
        self._number = 0

    def name(self) -> str:
        self._number += 1
        return f"N{self._number}"

    def add(self, folder: Path, iso_path: str, path: str) -> None:
        for entry in sorted(folder.iterdir()):
            name = f"{iso_path}/{self.name()}"
            below = f"{path}/{entry.name}"
            if entry.is_symlink():
                self.iso.add_symlink(f"{name}.;1", entry.name, str(entry.readlink()), joliet_path=None)
            elif entry.is_dir():
                self.iso.add_directory(name, rr_name=entry.name, joliet_path=below)
                self.add(entry, name, below)
            else:
                joliet = below if len(entry.name) <= 64 else None  # repodata's names are longer
                self.iso.add_file(str(entry), f"{name}.;1", rr_name=entry.name, joliet_path=joliet)

    def put(self, path: str, data: bytes) -> str:
        """A file in the root; the ISO 9660 path is returned."""
        name = f"/{self.name()}.;1"
        self.iso.add_fp(io.BytesIO(data), len(data), name, rr_name=path, joliet_path=f"/{path}")
        return name


def _bootable(builder: _Builder, boot: Boot, work: Path) -> None:
    config = f"""SERIAL 0 115200
DEFAULT install
PROMPT 0
TIMEOUT 1
LABEL install
  KERNEL /{boot.kernel}
  APPEND initrd=/{boot.initrd} {boot.arguments}
"""
    builder.put("isolinux.cfg", config.encode())
    builder.put("ldlinux.c32", LDLINUX.read_bytes())
    loader = builder.put("isolinux.bin", ISOLINUX.read_bytes())
    image = builder.put("efiboot.img", _efi_image(boot, work))
    builder.iso.add_eltorito(loader, boot_info_table=True, boot_load_size=4, bootcatfile="/BOOT.CAT;1")
    builder.iso.add_eltorito(image, efi=True, platform_id=0xEF, bootcatfile="/BOOT.CAT;1")


def _efi_image(boot: Boot, work: Path) -> bytes:
    """A FAT with GRUB in it, whose own first commands find the ISO by its kernel and boot it."""
    first = work / "first.cfg"
    first.write_text(f"""search --no-floppy --set=root --file /{boot.kernel}
linux /{boot.kernel} {boot.arguments}
initrd /{boot.initrd}
boot
""")
    loader = work / "BOOTX64.EFI"
    image = work / "efiboot.img"
    _run("grub-mkimage", "-O", "x86_64-efi", "-p", "/", "-c", str(first), "-o", str(loader), *GRUB_MODULES)
    _run("mformat", "-C", "-i", str(image), "-f", "2880", "::")
    _run("mmd", "-i", str(image), "::/EFI", "::/EFI/BOOT")
    _run("mcopy", "-i", str(image), str(loader), "::/EFI/BOOT/BOOTX64.EFI")
    return image.read_bytes()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
