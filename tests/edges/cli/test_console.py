"""`guest console` on a terminal of its own: what is typed comes back, Ctrl-] leaves, refusals are told."""

import asyncio
import os
import pty
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from provisioner.service.requests import CreateGuest
from tests.edges.web.conftest import empty_database, world
from tests.edges.web.world import TOKEN, World

__all__ = ["empty_database", "world"]
pytestmark = pytest.mark.timeout(60)


@dataclass
class Terminal:
    """Our end of a pseudo terminal, with the command at the other."""

    ours: int
    child: asyncio.subprocess.Process
    shown: bytes = b""

    def type(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    async def until(self, words: bytes) -> None:
        async with asyncio.timeout(20):
            while words not in self.shown:
                try:
                    self.shown += os.read(self.ours, 4096)
                except BlockingIOError:
                    await asyncio.sleep(0.02)
                except OSError:
                    break  # the command is over
        assert words in self.shown, self.shown.decode()


@asynccontextmanager
async def console(world: World, *words: str) -> AsyncIterator[Terminal]:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    command = [sys.executable, "-m", "provisioner", "guest", "console", *words]
    environment = {**os.environ, "PROVISIONER_URL": world.people_root, "PROVISIONER_TOKEN": TOKEN}
    child = await asyncio.create_subprocess_exec(
        *command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    before = termios.tcgetattr(theirs)
    try:
        yield Terminal(ours, child)
        async with asyncio.timeout(20):
            await child.wait()
        assert termios.tcgetattr(theirs) == before
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        os.close(theirs)
        os.close(ours)


async def test_what_is_typed_comes_back_and_ctrl_bracket_leaves(world: World) -> None:
    await world.guests.create(CreateGuest("web1", "p"))
    async with console(world, "web1") as terminal:
        await terminal.until(b"what it said before\r\n")
        terminal.type(b"uname -a\r")
        await terminal.until(b"uname -a\r")
        terminal.type(b"\x03\x04\x1a")  # Ctrl-C, Ctrl-D and Ctrl-Z are the guest's
        await terminal.until(b"\x03\x04\x1a")
        terminal.type(b"last\x1dnever")
        await terminal.until(b"left; the guest runs on")

    assert terminal.child.returncode == 0
    assert world.life.lines[-1].heard == b"uname -a\r\x03\x04\x1alast"
    assert b"console of web1; leave it with Ctrl-]" in terminal.shown


async def test_the_end_of_the_guest_is_told(world: World) -> None:
    await world.guests.create(CreateGuest("web1", "p"))
    async with console(world, "web1", "--tail", "0") as terminal:
        await terminal.until(b"console of web1")
        terminal.type(b"x")
        await terminal.until(b"x")
        await world.life.lines[-1].close()
        await terminal.until(b"the guest was switched off, or somebody else took its console")

    assert terminal.child.returncode == 0
    assert b"what it said before" not in terminal.shown


async def test_what_stands_against_it_is_one_sentence(world: World) -> None:
    await world.guests.create(CreateGuest("web1", "p"))
    world.life.busy.add("web1")
    async with console(world, "web1") as refused:
        await refused.until(b"error: the console of guest web1 is open somewhere else")
    async with console(world, "nobody") as nobody:
        await nobody.until(b"error: no guest is called 'nobody'")
    async with console(world, "web1", "--force") as forced:
        await forced.until(b"what it said before")
        forced.type(b"\x1d")
        await forced.until(b"left;")

    assert (refused.child.returncode, nobody.child.returncode, forced.child.returncode) == (1, 1, 0)
