"""Files as they go over the wire: every block behind its DATA header, made once for all who fetch it.

Framing as the transfer goes on costs more than the sending does; framing 40 MB at once would keep everybody
waiting. So a frame is made in slices, a little ahead of the fastest client.
"""

import ctypes
import mmap
import struct
from collections import OrderedDict
from collections.abc import Iterable

from provisioner.boot.loader import Content
from provisioner.netboot.transfer import on_wire

_DATA = 3
_HEADER = 4
_SLICE = 512
"""Blocks that are framed in one go, in about half a millisecond."""
_KEPT = 256 * 1024 * 1024
_IN_USE = 1024 * 1024 * 1024
_pack = struct.Struct("!HH").pack


class Frames:
    """`content` in blocks of `blksize` bytes; block n begins at (n - 1) * `step` of `memory`."""

    def __init__(self, content: Content, blksize: int, rollover: int = 0) -> None:
        self.content = content
        self.blksize = blksize
        self.step = blksize + _HEADER
        self.blocks = len(content) // blksize + 1
        self.size = len(content) + self.blocks * _HEADER
        self.memory = mmap.mmap(-1, self.size)
        self.made = 0
        self.view = memoryview(self.memory)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        """Where `memory` is in this process; it stays there for as long as this object lives."""
        self._rollover = rollover

    def make(self, until: int) -> None:
        """Sees to it that the first `until` blocks are there."""
        if until <= self.made:
            return
        until = min(self.blocks, (until + _SLICE - 1) // _SLICE * _SLICE)
        content, size, write = memoryview(self.content), self.blksize, self.memory.write
        for block in range(self.made + 1, until + 1):
            write(_pack(_DATA, on_wire(block, self._rollover)))
            write(content[(block - 1) * size : block * size])
        self.made = until

    def run(self, first: int, until: int) -> tuple[int, int]:
        """(offset, bytes) of the blocks from `first` up to and without `until`."""
        offset = (first - 1) * self.step
        return offset, min((until - 1) * self.step, self.size) - offset


class Shelf:
    """Frames by (file, block size), the least recently used thrown out; a running transfer keeps its own."""

    def __init__(self, rollover: int = 0, kept: int = _KEPT, in_use: int = _IN_USE) -> None:
        self._rollover = rollover
        self._kept = kept
        self._in_use = in_use
        self._frames: OrderedDict[tuple[int, int], Frames] = OrderedDict()

    def frames(self, content: Content, blksize: int, running: Iterable[Frames]) -> Frames | None:
        """Those of a file, None where the `running` ones take too much memory for one more."""
        # The content is held by its frames, so no other one can have its identity meanwhile.
        key = (id(content), blksize)
        if (found := self._frames.get(key)) is not None:
            self._frames.move_to_end(key)
            return found
        made = Frames(content, blksize, self._rollover)
        if sum(frames.size for frames in set(running)) + made.size > self._in_use:
            return None
        self._frames[key] = made
        while len(self._frames) > 1 and sum(each.size for each in self._frames.values()) > self._kept:
            self._frames.popitem(last=False)
        return made
