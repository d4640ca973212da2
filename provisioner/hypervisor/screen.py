"""A guest's screen: as a picture, as an address, and as VNC on a socket that libvirt hands over."""

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from xml.etree import ElementTree

import libvirt

from provisioner.core.errors import Conflict, Unavailable
from provisioner.hypervisor import guest, png
from provisioner.hypervisor.apart import alone
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.xml import Element, attribute, parse
from provisioner.service.ports import Display

_CHUNK = 64 * 1024
_MOST = 64 * 1024 * 1024


class Screen:
    """The two ends of a VNC connection as a `service.ports.Channel`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def on(cls, descriptor: int) -> "Screen":
        """Takes over a connected socket."""
        sock = socket.socket(fileno=descriptor)
        sock.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=sock))

    async def read(self) -> bytes:
        try:
            return await self._reader.read(_CHUNK)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            raise Conflict("the screen is closed") from None

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@alone
def screenshot(connection: libvirt.virConnect, name: str, uuid: str) -> bytes:
    """The first screen as PNG. Raises Conflict where the guest is off or has none."""
    domain = guest.running(connection, name, uuid)
    if not guest.has_screen(parse(domain.XMLDesc())):
        raise _no_screen(name)
    stream = connection.newStream(0)
    kind = domain.screenshot(stream, 0)
    picture = bytearray()
    while data := stream.recv(_CHUNK):
        picture += data
        if len(picture) > _MOST:
            stream.abort()
            raise Unavailable(f"the picture of guest {name} is larger than {_MOST >> 20} MiB")
    stream.finish()
    return bytes(picture) if kind == "image/png" else png.from_ppm(bytes(picture))


def display(connection: libvirt.virConnect, name: str, uuid: str) -> Display:
    """Where the VNC of a running guest listens. Raises Conflict where it has none."""
    domain = guest.running(connection, name, uuid)
    return _display(_graphics(domain, name), name)


def unlock(connection: libvirt.virConnect, name: str, uuid: str, password: str, until: datetime) -> Display:
    """Sets the screen's password and when it expires. VNC has 8 characters at most."""
    domain = guest.running(connection, name, uuid)
    graphics = _graphics(domain, name)
    found = _display(graphics, name)
    if not found.locked:
        raise Conflict(
            f"the screen of guest {name} has no lock: it was started without a password",
            remedy="only this machine's users reach it; use it as it is, or by the dashboard",
        )
    graphics.set("passwd", password)
    graphics.set("passwdValidTo", until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    domain.updateDeviceFlags(
        ElementTree.tostring(graphics, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_LIVE
    )
    return found


def descriptor(connection: libvirt.virConnect, name: str, uuid: str) -> int:
    """A socket that speaks VNC with the guest's screen, past its password and without a port."""
    domain = guest.running(connection, name, uuid)
    found = _display(_graphics(domain, name), name)
    try:
        return int(domain.openGraphicsFD(0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH))
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_SUPPORT", "INVALID_ARG", "ARGUMENT_UNSUPPORTED", "OPERATION_UNSUPPORTED"):
            raise
        raise Unavailable(
            f"the screen of guest {name} is on another host, which cannot hand it over",
            remedy=f"ssh -L {found.port}:127.0.0.1:{found.port} HOST, then a VNC viewer on {found.uri}",
        ) from error


def _graphics(domain: libvirt.virDomain, name: str) -> Element:
    root = parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
    graphics = root.find("devices/graphics[@type='vnc']")
    if graphics is not None:
        return graphics
    other = attribute(root, "devices/graphics", "type")
    if other:
        raise Conflict(
            f"the screen of guest {name} speaks {other}, not VNC", remedy=f"virsh domdisplay {name}"
        )
    raise _no_screen(name)


def _display(graphics: Element, name: str) -> Display:
    port = int(graphics.get("port", "-1"))
    if port <= 0:
        raise Conflict(f"the screen of guest {name} listens on no port")
    listen = graphics.get("listen") or attribute(graphics, "listen", "address") or "127.0.0.1"
    shown = "127.0.0.1" if listen in ("0.0.0.0", "::") else listen  # noqa: S104 - read, not bound
    host = f"[{shown}]" if ":" in shown else shown
    return Display(f"vnc://{host}:{port}", listen, port, locked=bool(graphics.get("passwd")))


def _no_screen(name: str) -> Conflict:
    return Conflict(
        f"guest {name} has no screen: it was made without graphics",
        remedy=f"its serial console: provisioner guest console {name}",
    )
