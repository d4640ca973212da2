"""The wrapper around qemu-img: good images come out whole, evil ones never reach it, and it is confined."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.media import MediaFile
from provisioner.media import hosttools, qemuimg
from provisioner.media.prepare import Prepared
from tests.unit.media.bases import CANARY, FORMAT, OPTIONS, SIZE, packed, raw
from tests.unit.media.evil import put


@pytest.mark.parametrize("name", [*OPTIONS, "vmdk-at-end"])
async def test_every_format_becomes_qcow2_with_its_content(
    name: str, good: dict[str, bytes], tmp_path: Path
) -> None:
    source, target = tmp_path / "x: odd,name", tmp_path / "out.qcow2"
    source.write_bytes(good[name])
    told: list[float] = []

    async def progress(percent: float) -> None:
        told.append(percent)

    found = await qemuimg.convert(source, target, "qcow2", progress=progress)

    assert found.format == FORMAT[name.partition("-")[0]]
    assert told[-1] == 100
    assert (await qemuimg.info(target)).format == "qcow2"
    assert await qemuimg.measure(target, "raw") == found.virtual_size
    await qemuimg.convert(target, tmp_path / "back", "raw")
    assert (tmp_path / "back").read_bytes()[:SIZE] == raw()


async def test_evil_images_never_reach_it(
    evils: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    start = asyncio.create_subprocess_exec

    async def counted(*words: str, **options: object) -> asyncio.subprocess.Process:
        runs.append(words[0])
        return await start(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
    refused = 0
    for images in evils.values():
        for name, content in images.items():
            (tmp_path / "x").write_bytes(content)
            with pytest.raises(Invalid):
                await qemuimg.convert(tmp_path / "x", tmp_path / f"{name[:50]}.out", "raw")
            refused += 1

    assert refused >= 120
    assert runs == []
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


async def test_the_canary_is_in_no_output(
    evils: dict[str, dict[str, bytes]], canary: Path, tmp_path: Path
) -> None:
    """By hand qemu-img brings it to light from the very images that are refused here."""
    leaks = 0
    for of in ("backing file", "json: backing", "chain"):
        for content in evils[of].values():
            if content[:4] != b"QFI\xfb" or (of != "chain" and str(canary).encode() not in content):
                continue
            (tmp_path / "x").write_bytes(content)
            argv = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", "x", "by-hand"]
            subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False, timeout=60)
            out = tmp_path / "by-hand"
            leaks += out.exists() and CANARY in out.read_bytes()
            out.unlink(missing_ok=True)
            store = Prepared(tmp_path / "cache")
            with pytest.raises(Invalid):
                await store.ready(MediaFile("x", str(tmp_path / "x"), "disk", 1, "vmdk"))

    assert leaks >= 5
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or path.name == "x" or CANARY not in path.read_bytes()


async def test_what_qemu_img_says_is_one_sentence(good: dict[str, bytes], tmp_path: Path) -> None:
    table = int.from_bytes(good["qcow2"][40:48], "big")
    (tmp_path / "x").write_bytes(put(good["qcow2"], table, b"\x80\0\0\0\0\0\2\1"))

    with pytest.raises(Invalid) as caught:
        await qemuimg.convert(tmp_path / "x", tmp_path / "out", "raw")

    assert str(caught.value).startswith("image x cannot be read: ")
    assert "/proc" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


async def test_it_does_not_run_for_ever(
    good: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemuimg, "_CPU_SECONDS", 0)
    monkeypatch.setattr(qemuimg, "_CPU_PER_GIB", 0.1)
    (tmp_path / "x").write_bytes(good["qcow2"])
    monkeypatch.setattr(qemuimg, "_confined", lambda seconds, written: ["sh", "-c", "exec sleep 30"])

    with pytest.raises(Unavailable, match=r"did not end within 0\.2 seconds"):
        await qemuimg.convert(tmp_path / "x", tmp_path / "out", "raw")


async def test_its_limits(good: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program in its place tells what it may."""
    (tmp_path / "x").write_bytes(good["qcow2"])
    script = tmp_path / "tell"
    script.write_text(
        f"#!/bin/sh\n(ulimit -a; ls /sys/class/net; cat /proc/net/dev; echo LANG $LC_ALL) >{tmp_path}/told\n"
    )
    script.chmod(0o755)
    find = hosttools.find
    monkeypatch.setattr(
        hosttools, "find", lambda name, why: script if name == "qemu-img" else find(name, why)
    )

    await qemuimg.convert(tmp_path / "x", tmp_path / "out", "raw")

    told = (tmp_path / "told").read_text()
    limits = {line.split()[0]: line.split()[-1] for line in told.splitlines() if line[:1].islower()}
    assert (limits["time(seconds)"], limits["vmemory(kbytes)"]) == ("120", str(2 * 1024**2))
    assert (limits["nofiles"], limits["coredump(blocks)"]) == ("64", "0")
    assert int(limits["file(blocks)"]) * 512 == SIZE + SIZE // 128 + 64 * 1024**2
    assert "LANG C" in told
    if os.geteuid() == 0 and qemuimg._may_unshare():
        assert [line.split(":")[0].strip() for line in told.splitlines() if ":" in line] == ["lo"]


async def test_packed_and_foreign_files_are_made_ready_once(good: dict[str, bytes], tmp_path: Path) -> None:
    store = Prepared(tmp_path / "cache")
    told: list[str] = []

    async def tell(what: str, percent: float) -> None:
        told.append(what)

    (tmp_path / "x").write_bytes(packed(good["vmdk"], "xz"))
    file = MediaFile("x", str(tmp_path / "x"), "disk", 1, "vmdk", SIZE, "xz")

    first, second = await asyncio.gather(store.ready(file, tell), store.ready(file, tell))

    assert first == second
    assert (first.format, first.virtual_size) == ("qcow2", SIZE)
    assert list(dict.fromkeys(told)) == ["unpacking", "converting"]
    assert [str(path) for path in (tmp_path / "cache").iterdir()] == [first.path]
    (tmp_path / "y").write_bytes(good["qcow2"])
    plain = await store.ready(MediaFile("y", str(tmp_path / "y"), "disk", 1, "qcow2", SIZE))
    assert plain.path == str(tmp_path / "y")
    (tmp_path / "cache" / ".making-x").mkdir()
    store.sweep()
    assert Path(first.path).is_file()
    os.utime(first.path, (0, 0))
    store.sweep()
    assert list((tmp_path / "cache").iterdir()) == []


async def test_an_evil_image_in_a_packed_file_is_refused_when_it_is_unpacked(
    evils: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(packed(evils["polyglot"]["qcow2-fixed-vhd"], "gz"))
    store = Prepared(tmp_path / "cache")

    with pytest.raises(Invalid, match="is several things at once"):
        await store.ready(MediaFile("x", str(tmp_path / "x"), "disk", 1, "qcow2", SIZE, "gz"))

    assert list((tmp_path / "cache").iterdir()) == []
