"""Files on their way to the service and back: bytes and speed on a terminal, silence elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from provisioner.cli.output import size
from provisioner.core.errors import Invalid, Unavailable

Tell = Callable[[int], None]
_EVERY = 0.2
_BLOCK = 64 * 1024
_ZEROS = bytes(_BLOCK)


class Body:
    """A file as a request's body: its length is known, and what was read of it is told."""

    def __init__(self, path: Path, tell: Tell) -> None:
        self._file = path.open("rb")
        self._length = os.fstat(self._file.fileno()).st_size
        self._tell = tell
        self._done = 0

    def __len__(self) -> int:
        return self._length

    def read(self, count: int = -1) -> bytes:
        piece = self._file.read(max(count, 1024 * 1024) if count >= 0 else count)
        self._done += len(piece)
        self._tell(self._done)
        return piece

    def close(self) -> None:
        self._file.close()


@contextmanager
def sending(path: Path, title: str) -> Iterator[Body]:
    """The file to be sent. Raises Invalid for an empty one."""
    length = path.stat().st_size
    if not length:
        raise Invalid(f"{path} is empty")
    with _telling(title, length) as tell:
        body = Body(path, tell)
        try:
            yield body
        finally:
            body.close()


def receiving(path: Path, total: int, chunks: Iterator[bytes], title: str) -> None:
    """Writes what comes beside the file and gives it its name when it is whole. Raises Unavailable."""
    part = path.with_name(f".{path.name}.part")
    done = 0
    try:
        with part.open("wb") as out, _telling(title, total) as tell:
            for chunk in chunks:
                for at in range(0, len(chunk), _BLOCK):
                    block = chunk[at : at + _BLOCK]
                    if block == _ZEROS[: len(block)]:
                        out.seek(len(block), os.SEEK_CUR)
                    else:
                        out.write(block)
                done += len(chunk)
                tell(done)
            out.truncate(done)
        if done != total:
            raise Unavailable(f"{done} bytes came of {total}: the service broke off")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _telling(title: str, total: int) -> Iterator[Tell]:
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    begun = last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY or done >= total:
            last = now
            click.echo(f"\r\x1b[K{line(title, done, total, now - begun)}", nl=False, err=True)

    try:
        yield tell
    finally:
        click.echo(err=True)


def line(title: str, done: int, total: int, seconds: float) -> str:
    """`x.iso to default/x: 45 %  2.1 GB of 4.7 GB  310.0 MB/s`."""
    percent = 100 * done // total if total else 100
    speed = size(done / seconds) if seconds > 0 else size(0)
    return f"{title}: {percent} %  {size(done)} of {size(total)}  {speed}/s"
