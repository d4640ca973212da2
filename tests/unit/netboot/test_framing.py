"""Blocks as they go over the wire, made little by little, and kept for the next who fetches them."""

import struct

import pytest

from provisioner.netboot.framing import Frames, Shelf

CONTENT = bytes(range(256)) * 5000


def blocks(frames: Frames, first: int, until: int) -> list[tuple[int, bytes]]:
    """(number on the wire, payload) of each block."""
    found = []
    for block in range(first, until):
        offset, size = frames.run(block, block + 1)
        opcode, number = struct.unpack_from("!HH", frames.memory, offset)
        assert opcode == 3
        found.append((number, frames.memory[offset + 4 : offset + size]))
    return found


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 5120, 300_000])
def test_the_blocks_are_the_file(size: int) -> None:
    frames = Frames(CONTENT[:size], 512)
    frames.make(frames.blocks)
    found = blocks(frames, 1, frames.blocks + 1)

    assert b"".join(payload for _, payload in found) == CONTENT[:size]
    assert [number for number, _ in found] == [*range(1, size // 512 + 2)]
    assert len(found[-1][1]) == size % 512
    assert frames.run(1, frames.blocks + 1) == (0, frames.size)


def test_blocks_are_made_when_they_are_asked_for() -> None:
    frames = Frames(CONTENT, 8)
    frames.make(10)
    assert 10 <= frames.made < frames.blocks
    made = frames.made
    frames.make(5)
    assert frames.made == made
    frames.make(made + 1)
    assert blocks(frames, made, made + 2)[1] == (made + 1, CONTENT[made * 8 : made * 8 + 8])


@pytest.mark.parametrize(("rollover", "after"), [(0, [65535, 0, 1]), (1, [65535, 1, 2])])
def test_numbers_roll_over(rollover: int, after: list[int]) -> None:
    frames = Frames(CONTENT, 8, rollover)
    frames.make(70_000)

    assert [number for number, _ in blocks(frames, 65535, 65538)] == after


def test_a_shelf_gives_the_same_frames_to_all_and_keeps_the_latest() -> None:
    shelf = Shelf(kept=3 * len(CONTENT))
    first = shelf.frames(CONTENT, 512, [])
    other = bytes(CONTENT[:-1])

    assert shelf.frames(CONTENT, 512, []) is first
    assert shelf.frames(other, 512, []) is not first
    assert shelf.frames(CONTENT, 1024, []) is not first  # the third: the least recently used goes
    assert shelf.frames(CONTENT, 512, []) is not first


def test_a_shelf_has_room_for_what_runs_and_for_no_more() -> None:
    shelf = Shelf(in_use=3 * len(CONTENT))
    running = [frames for size in (512, 1024) if (frames := shelf.frames(CONTENT, size, []))]

    assert shelf.frames(CONTENT, 2048, running) is None
    assert shelf.frames(CONTENT, 512, running) is running[0]
    assert shelf.frames(CONTENT, 2048, running[:1]) is not None
