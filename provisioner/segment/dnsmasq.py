"""Addresses from a dnsmasq of ours, on one interface alone; it ends when the service does."""

import asyncio
import contextlib
import ipaddress
import os
import sys
from pathlib import Path

from provisioner.core.errors import Unavailable
from provisioner.segment.commands import find

_LEASE = "1h"


def command(program: str, interface: str, own: str, first: str, last: str, folder: Path) -> list[str]:
    """dnsmasq's words. It gives addresses and a netmask, no gateway, no names, no boot file."""
    mask = ipaddress.IPv4Interface(own).netmask
    return [
        *(program, "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping"),
        *(f"--interface={interface}", "--except-interface=lo", "--bind-interfaces", "--dhcp-authoritative"),
        *(f"--dhcp-range={first},{last},{mask},{_LEASE}", "--dhcp-option=3", "--dhcp-option=6"),
        f"--dhcp-leasefile={folder / f'dnsmasq-{interface}.leases'}",
        *("--log-facility=-", "--dhcp-no-override", f"--pid-file={folder / f'dnsmasq-{interface}.pid'}"),
    ]


class AddressServer:
    """One child. `start` again after it ended is allowed."""

    def __init__(self, interface: str, own: str, first: str, last: str, folder: Path) -> None:
        self.interface = interface
        self._given = (own, first, last)
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Raises Unavailable with what it says where it cannot serve."""
        program = find("dnsmasq")
        if program is None:
            raise Unavailable(
                "the program dnsmasq is not installed", remedy="install the package dnsmasq-base (dnsmasq)"
            )
        words = command(program, self.interface, *self._given, self._folder)
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "provisioner.segment.guard", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C", "PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
        )
        assert process.stdout is not None and process.stderr is not None  # noqa: S101 - asked for above
        if await process.stdout.readline():
            self._reader = asyncio.create_task(_drain(process))
            return
        said = (await process.stderr.read()).decode(errors="replace")
        await process.wait()
        last = (said.strip().splitlines() or ["no word"])[-1].removeprefix("dnsmasq: ").strip()
        raise Unavailable(f"no addresses can be given on {self.interface}: dnsmasq says: {last}")

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()  # its guard takes that for our end
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


async def _drain(process: asyncio.subprocess.Process) -> None:
    while process.stderr is not None and await process.stderr.read(4096):
        pass
