"""Guests of ours that live at once: a "kernel" that echoes what is typed, with or without a screen."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.naming import NAMESPACE
from provisioner.plan.steps import DefineDomain, StartDomain, UndefineDomain
from provisioner.service.ports import Channel
from tests.edges.hypervisor.kernel import write_kernel

HELLO = b"hello from the serial line\n"
SCREEN = (
    "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'"
    " passwd='locked12' passwdValidTo='1970-01-01T00:00:01'/><video><model type='vga'/></video>"
)
PTY = "<serial type='pty'><log file='{log}' append='on'/><target port='0'/></serial>"


@dataclass(frozen=True)
class Living:
    name: str
    uuid: str
    log: Path

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.uuid


def domain_xml(name: str, own: str, devices: str, boot: str = "") -> str:
    return (
        f"<domain type='qemu'><name>{name}</name><uuid>{own}</uuid>"
        f"<metadata><p:guest xmlns:p='{NAMESPACE}'><p:install>i-1</p:install></p:guest></metadata>"
        "<memory unit='MiB'>64</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='pc'>hvm</type>{boot}</os><features><acpi/></features>"
        f"<devices>{devices}<controller type='usb' model='none'/></devices></domain>"
    )


@asynccontextmanager
async def living(
    host: LibvirtHost, folder: Path, devices: str = PTY, *, start: bool = True, reset: bool = False
) -> AsyncIterator[Living]:
    """A guest that is there for this test alone; with `reset` it starts again for ever."""
    own = str(uuid.uuid4())
    guest = Living(f"test-{own[:8]}", own, folder / f"{own[:8]}.log")
    kernel = write_kernel(folder / "echo", HELLO, echo=True, reset=reset)
    xml = domain_xml(guest.name, own, devices.format(log=guest.log), f"<kernel>{kernel}</kernel>")
    try:
        await host.apply(DefineDomain(guest.name, own, xml))
        if start:
            await host.apply(StartDomain(guest.name, own))
        yield guest
    finally:
        await host.apply(UndefineDomain(guest.name, own))


async def read_until(channel: Channel, words: bytes) -> bytes:
    """What is read up to and with `words`."""
    found = b""
    while words not in found:
        data = await channel.read()
        assert data, f"the channel ended after {found!r}"
        found += data
    return found
