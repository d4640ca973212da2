"""The one place that runs qemu-img.

It is given an open file that was inspected, never a name; formats are always said; it has no network where
we may take that away, and limits on memory, CPU seconds, files and what it writes.

2 GiB of address space: measured with QEMU 7.2, a conversion is refused memory with 768 MiB (each of its
threads reserves 64 MiB and more) and works with 1 GiB; twice that leaves room for large images' tables.
"""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.media import DiskFormat, DiskImage
from provisioner.core.storage import MOST_BYTES
from provisioner.media import hosttools
from provisioner.media.inspect import inspect
from provisioner.media.inspect_source import Opened

Progress = Callable[[float], Awaitable[None]]
"""Called with the percentage that is done."""

_PROGRAM = "qemu-img"
_WHY = "looking into disk images"
_NAMES: dict[DiskFormat, str] = {
    "qcow2": "qcow2", "raw": "raw", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx", "iso": "raw",
}  # fmt: skip
_GIB = 1024**3
_MEMORY = 2 * _GIB
_OPEN_FILES = 64
_CPU_SECONDS, _CPU_PER_GIB = 60, 60
_PERCENT = re.compile(rb"\(([\d.]+)/100%\)")


@dataclass(frozen=True, slots=True)
class Info:
    """What qemu-img says of an image; bytes."""

    format: str
    virtual_size: int
    actual_size: int


async def info(path: Path, *, most: int = MOST_BYTES) -> Info:
    """Raises Invalid for what the inspection or qemu-img refuses."""
    with _opened(path, most) as (name, image, descriptor):
        argv = ["info", "--output=json", "-f", _NAMES[image.format], f"/proc/self/fd/{descriptor}"]
        found = json.loads(await _run(argv, name, descriptor, image.virtual_size, written=0))
    return Info(image.format, int(found["virtual-size"]), int(found["actual-size"]))


async def measure(path: Path, form: Literal["qcow2", "raw"], *, most: int = MOST_BYTES) -> int:
    """The bytes that the image will take as a file of the given format."""
    with _opened(path, most) as (name, image, descriptor):
        argv = ["measure", "--output=json", "-f", _NAMES[image.format], "-O", form]
        argv.append(f"/proc/self/fd/{descriptor}")
        found = json.loads(await _run(argv, name, descriptor, image.virtual_size, written=0))
    return int(found["required"])


async def convert(
    path: Path,
    target: Path,
    form: Literal["qcow2", "raw"],
    *,
    most: int = MOST_BYTES,
    progress: Progress | None = None,
) -> DiskImage:
    """Writes the image as a new file, named absolutely, or none; returns what it is read from.

    Raises Invalid, Unavailable.
    """
    _check_new(target)
    with _opened(path, most) as (name, image, descriptor):
        argv = ["convert", "-p", "-f", _NAMES[image.format], "-O", form]
        if form == "qcow2":
            argv += ["-o", "compat=1.1"]
        argv += [f"/proc/self/fd/{descriptor}", str(target)]
        size = image.virtual_size
        try:
            written = size + size // 128 + 64 * 1024**2
            await _run(argv, name, descriptor, size, written=written, progress=progress)
        except BaseException:
            _discard(target)
            raise
    return image


def _check_new(target: Path) -> None:
    if not target.is_absolute():
        raise ValueError(f"{target} is not absolute: qemu-img could take it for a protocol")
    if os.path.lexists(target):
        raise Invalid(f"{target} exists already")


def _discard(target: Path) -> None:
    target.unlink(missing_ok=True)


class _opened:  # noqa: N801 - used as a context manager only
    """An inspected file: its name for sentences, what it is, and the descriptor it stays open on."""

    def __init__(self, path: Path, most: int) -> None:
        self._path, self._most = path, most
        self._descriptor = -1

    def __enter__(self) -> tuple[str, DiskImage, int]:
        name = f"image {self._path.name}"
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable(f"{name} cannot be opened: {error.strerror}") from None
        try:
            return name, inspect(Opened(self._descriptor), name, most=self._most), self._descriptor
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)


async def _run(
    argv: Sequence[str],
    name: str,
    descriptor: int,
    size: int,
    *,
    written: int,
    progress: Progress | None = None,
) -> bytes:
    """Standard output of one run. Raises Invalid with qemu-img's last words, Unavailable beyond the time."""
    seconds = _CPU_SECONDS + _CPU_PER_GIB * -(-size // _GIB)
    command = [*_confined(seconds, written), str(hosttools.find(_PROGRAM, _WHY)), *argv]
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(descriptor,),
        cwd="/",
        env=hosttools.environment(TMPDIR="/nonexistent"),
    )
    try:
        async with asyncio.timeout(2 * seconds):
            out, words = await asyncio.gather(_read(child.stdout, progress), _last(child.stderr))
            code = await child.wait()
    except TimeoutError:
        raise Unavailable(f"{name}: {_PROGRAM} did not end within {2 * seconds} seconds") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if code:
        said = words.replace(f"/proc/self/fd/{descriptor}", name)
        raise Invalid(f"{name} cannot be read: {said or f'{_PROGRAM} ended with {code}'}")
    return out


async def _read(stream: asyncio.StreamReader | None, progress: Progress | None) -> bytes:
    found = bytearray()
    while stream is not None and (piece := await stream.read(65536)):
        if progress is None:
            found += piece
            if len(found) > 1024 * 1024:
                raise Unavailable(f"{_PROGRAM} talks without an end")
        elif marks := _PERCENT.findall(piece):
            await progress(float(marks[-1]))
    return bytes(found)


async def _last(stream: asyncio.StreamReader | None) -> str:
    words = b""
    while stream is not None and (piece := await stream.read(65536)):
        words = (words + piece)[-4000:]
    lines = words.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix(f"{_PROGRAM}: ") if lines else ""


def _confined(seconds: int, written: int) -> list[str]:
    """What is put before the program: no network, and limits that end it rather than the host."""
    limits = [
        f"--as={_MEMORY}",
        f"--cpu={seconds}",
        f"--fsize={written}",
        f"--nofile={_OPEN_FILES}",
        "--core=0",
    ]
    alone = [str(hosttools.find("unshare", _WHY)), "--net", "--"] if _may_unshare() else []
    return [*alone, str(hosttools.find("prlimit", _WHY)), *limits, "--"]


@cache
def _may_unshare() -> bool:
    """Root may as a rule; in some containers nobody may."""
    if os.geteuid() != 0:
        return False
    argv = [str(hosttools.find("unshare", _WHY)), "--net", "--", "true"]
    return not subprocess.run(argv, capture_output=True, check=False, env=hosttools.environment()).returncode
