"""An image of any format on its way into a guest's disk: media folder, conversion, volume, overlay."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.storage import VolumeSpec
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.media.prepare import Prepared
from provisioner.media.store import MediaStore
from provisioner.service.media import Media
from tests.system_pool import pool_of_our_own
from tests.unit.media.bases import SIZE, packed, raw, run

MIB = 1024 * 1024


@pytest.fixture
async def host() -> AsyncIterator[tuple[LibvirtHost, str]]:
    async with pool_of_our_own() as made:
        yield made


@pytest.mark.parametrize("form", ["qcow2", "raw", "vmdk", "vdi", "vpc", "vhdx"])
@pytest.mark.parametrize("kind", ["", "xz"])
async def test_a_medium_becomes_a_base_and_a_guest_s_disk(
    host: tuple[LibvirtHost, str], tmp_path: Path, form: str, kind: str
) -> None:
    libvirt, pool = host
    media = Media(MediaStore(tmp_path / "media"), Prepared(tmp_path / "cache"), lambda uri: libvirt)
    (tmp_path / "media").mkdir()
    (tmp_path / "raw").write_bytes(raw())
    run("qemu-img", "convert", "-f", "raw", "-O", form, tmp_path / "raw", tmp_path / "image")
    content = (tmp_path / "image").read_bytes()
    name = f"disk.{form}{'.' + kind if kind else ''}"
    (tmp_path / "media" / name).write_bytes(packed(content, kind) if kind else content)

    image = await media.ready(name)
    for _ in range(2):
        base = await libvirt.upload_volume(pool, f"base-{image.key}", Path(image.path), image.format, 0)
    top = await libvirt.make_volume(
        VolumeSpec(pool, "web1-0123456789ab", 8 * MIB, "qcow2", base.path, image.format)
    )

    assert base.format == image.format == ("raw" if (form, kind) == ("raw", "") else "qcow2")
    assert (top.backing, top.capacity) == (base.path, 8 * MIB)
    argv = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", top.path, str(tmp_path / "out")]
    subprocess.run(argv, check=True)
    assert (tmp_path / "out").read_bytes() == raw()[:SIZE].ljust(8 * MIB, b"\0")


async def test_what_is_no_disk_is_said(host: tuple[LibvirtHost, str], tmp_path: Path) -> None:
    libvirt, _ = host
    media = Media(MediaStore(tmp_path / "media"), Prepared(tmp_path / "cache"), lambda uri: libvirt)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "kernel").write_bytes(b"MZ" + bytes(1000))

    with pytest.raises(Invalid, match=r"kernel is no disk image"):
        await media.ready("kernel")
    with pytest.raises(Invalid, match=r"is outside the media folders"):
        await media.ready("/etc/passwd")
