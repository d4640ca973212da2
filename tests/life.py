"""A stand-in for a host on which guests live: screens, lines, volumes that stand on each other."""

import asyncio
from datetime import datetime

from provisioner.core.errors import Conflict
from provisioner.plan.cloning import Blueprint, DiskVolume
from provisioner.plan.steps import (
    CopyNvram,
    CopyVolume,
    CreateVolume,
    DeleteVolume,
    KeepNvram,
    LinkVolume,
    LocalStep,
    RestoreNvram,
    Step,
)
from provisioner.service.ports import Channel, Display, VolumeFacts
from tests.fakes import FakeHypervisor

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (720).to_bytes(4) + (400).to_bytes(4)
FOLDER = "/var/lib/libvirt/images"


class Echo:
    """A channel that gives back what is written to it, after `first`; `heard` is all of that."""

    def __init__(self, first: bytes = b"") -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = False
        self.heard = b""
        if first:
            self.say(first)

    def say(self, data: bytes) -> None:
        self._queue.put_nowait(data)

    async def read(self) -> bytes:
        return b"" if self.closed else await self._queue.get()

    async def write(self, data: bytes) -> None:
        self.heard += data
        self.say(data)

    async def close(self) -> None:
        self.closed = True
        self.say(b"")


class FakeLifeHost(FakeHypervisor):
    """`backings` are the volumes that overlays stand on; `written` those that were written to since."""

    def __init__(self) -> None:
        super().__init__()
        self.backings: dict[tuple[str, str], str] = {}
        self.written: set[str] = set()
        self.running_on: tuple[str, ...] = ()
        self.stores: dict[str, str] = {}
        """Variable stores, by domain, and as kept by volume."""
        self.said = b"login: "
        self.lines: list[Echo] = []
        self.passwords: list[tuple[str, datetime]] = []
        self.calls: list[str] = []

    def __call__(self, uri: str) -> "FakeLifeHost":
        return self

    def _do(self, step: Step) -> None:
        match step:
            case LinkVolume():
                self.disks.setdefault((step.pool, step.name), self.disks[step.pool, step.base])
                self.backings[step.pool, step.name] = step.base
            case CopyVolume():
                self.disks.setdefault((step.pool, step.name), self.disks[step.pool, step.source])
            case CopyNvram():
                self.calls.append(f"nvram {step.source}")
            case KeepNvram():
                self.disks[step.pool, step.volume] = 540_672
                self.stores[step.volume] = self.stores.get(step.name, "fresh")
            case RestoreNvram():
                if (step.pool, step.volume) in self.disks:
                    self.stores[step.name] = self.stores[step.volume]
            case DeleteVolume():
                self.backings.pop((step.pool, step.name), None)
                super()._do(step)
            case CreateVolume():
                self.backings.pop((step.pool, step.name), None)
                super()._do(step)
            case _:
                assert not isinstance(step, LocalStep)
                super()._do(step)

    async def _note(self, verb: str, name: str) -> None:
        self._up()
        self._named(name)
        self.calls.append(f"{verb} {name}")

    async def suspend(self, name: str, uuid: str) -> None:
        await self._note("suspend", name)
        self._state(uuid, "paused")

    async def resume(self, name: str, uuid: str) -> None:
        await self._note("resume", name)
        self._state(uuid, "running")

    async def console(self, name: str, uuid: str, *, force: bool) -> Channel:
        open_now = [line for line in self.lines if not line.closed]
        if open_now and not force:
            raise Conflict(f"the console of guest {name} is open somewhere else")
        for line in open_now:
            await line.close()
        self.lines.append(Echo())
        return self.lines[-1]

    async def serial_tail(self, name: str, uuid: str, size: int) -> bytes:
        return self.said[-size:]

    async def serial_text(self, name: str, uuid: str, size: int) -> Channel:
        return Echo(self.said[-size:])

    async def screenshot(self, name: str, uuid: str) -> bytes:
        await self._note("screenshot", name)
        return PNG

    async def display(self, name: str, uuid: str) -> Display:
        self._running(self._named(name))
        return Display("vnc://127.0.0.1:5900", "127.0.0.1", 5900, locked=True)

    async def unlock_display(self, name: str, uuid: str, password: str, until: datetime) -> Display:
        self.passwords.append((password, until))
        return await self.display(name, uuid)

    async def screen(self, name: str, uuid: str) -> Channel:
        return Echo(b"RFB 003.008\n")

    async def blueprint(self, name: str, uuid: str) -> Blueprint:
        self._up()
        if not self._mine(uuid):
            raise Conflict(f"guest {name} is no longer in libvirt")
        xml = self.xmls[name]
        found = sorted(key for key in self.disks if f"/{key[1]}&quot;" in xml or f'/{key[1]}"' in xml)
        disks = tuple(
            DiskVolume(
                f"vd{letter}",
                f"{FOLDER}/{volume}",
                pool,
                volume,
                "qcow2",
                self.disks[pool, volume],
                holds="qcow2",
                base=self._base(pool, volume),
            )
            for letter, (pool, volume) in zip("abcdef", found, strict=False)
        )
        nvram = f"{FOLDER}/{name}_VARS.fd" if "<nvram" in xml or 'firmware="efi"' in xml else ""
        return Blueprint(xml, self.there[uuid].state != "shut off", disks, nvram)

    def _base(self, pool: str, volume: str) -> DiskVolume | None:
        name = "" if volume in self.written else self.backings.get((pool, volume), "")
        return DiskVolume("", f"{FOLDER}/{name}", pool, name, "qcow2") if name else None

    async def running_disks(self, name: str, uuid: str) -> tuple[str, ...]:
        return self.running_on

    async def volume_facts(self, pool: str) -> list[VolumeFacts]:
        return [
            VolumeFacts(
                where,
                name,
                f"{FOLDER}/{name}",
                size,
                196_608,
                f"{FOLDER}/{base}" if (base := self.backings.get((where, name))) else "",
            )
            for (where, name), size in self.disks.items()
            if where == pool
        ]
