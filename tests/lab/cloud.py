"""A cloud image as distributions publish them: a qcow2 disk with Debian and the real cloud-init in it."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from provisioner.media import debian, grub
from provisioner.media.hosttools import environment

ROOT_GUID = "0f5a1c2e-7b1d-4f43-9d2a-3c5e6a7b8c9d"
_SECTOR = 512
_LAYOUT = f"""label: gpt
first-lba: {grub.CORE_FIRST}
start={grub.CORE_FIRST}, size={grub.ESP_FIRST - grub.CORE_FIRST}, type=21686148-6449-6E6F-744E-656564454649
start={grub.ESP_FIRST}, size={grub.ROOT_FIRST - grub.ESP_FIRST}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start={grub.ROOT_FIRST}, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid={ROOT_GUID}
"""


def build(place: Path, cache: Path) -> Path:
    """The image at `place`, made anew unless it is there. Takes one to two minutes and the host's apt."""
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            _make(place, cache, Path(folder))
    return place


def _make(place: Path, cache: Path, work: Path) -> None:
    root = work / "root"
    command = debian.command(root, debian.sources(""), tune=True)
    command = [f"{word},cloud-init" if word.startswith("--include=") else word for word in command]
    _run(*debian.alone(), *command)
    # What is left out for speed elsewhere is what starts cloud-init.
    (root / "etc/systemd/system-generators/cloud-init-generator").unlink()
    (root / "etc/cloud/cloud.cfg.d").mkdir(exist_ok=True)
    (root / "etc/cloud/cloud.cfg.d/90_datasource.cfg").write_text("datasource_list: [NoCloud, None]\n")
    debian.shorten(root, cache)
    menu = root / "boot/grub/grub.cfg"
    kernel = next((root / "boot").glob("vmlinuz-*")).name
    version = kernel.removeprefix("vmlinuz-")
    menu.parent.mkdir(parents=True, exist_ok=True)
    menu.write_text(
        f"set timeout=0\nmenuentry Linux {{\n"
        f"  linux /boot/{kernel} root=PARTUUID={ROOT_GUID} ro quiet mitigations=off console=ttyS0,115200\n"
        f"  initrd /boot/initrd.img-{version}\n}}\n"
    )
    system = debian.file_system(root, work / "root.img")
    _run("truncate", "--size=+256M", str(system))  # it is as small as can be, and cloud-init writes
    _run("resize2fs", str(system))
    raw = work / "disk.raw"
    with raw.open("wb") as disk:
        disk.truncate(grub.ROOT_FIRST * _SECTOR + system.stat().st_size + (1 << 20))
    _run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", str(raw), given=_LAYOUT)
    loaders = grub.loaders()
    with raw.open("r+b") as disk:
        for sector, content in ((0, loaders["boot.img"]), (grub.CORE_FIRST, loaders["core.img"])):
            disk.seek(sector * _SECTOR)
            disk.write(content)
        disk.seek(grub.ESP_FIRST * _SECTOR)
        disk.write(loaders["esp.img"])
        disk.seek(grub.ROOT_FIRST * _SECTOR)
        with system.open("rb") as source:
            shutil.copyfileobj(source, disk, 1 << 20)
    _run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(work / "disk.qcow2"))
    (work / "disk.qcow2").rename(place)


def _run(*command: str | Path, given: str = "") -> None:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
