"""Consoles, screens and pauses of real guests on this machine's libvirt."""

import asyncio
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.steps import StopDomain
from tests.edges.hypervisor.living import HELLO, PTY, SCREEN, living, read_until
from tests.edges.hypervisor.samples import eventually

pytestmark = pytest.mark.timeout(120)


async def test_what_is_typed_into_a_console_comes_back(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder) as guest:
        # What it says before anybody listens is in its log alone, and it is quick.
        await eventually(lambda: HELLO in guest.log.read_bytes(), seconds=60)
        console = await system.console(*guest.key, force=False)
        async with asyncio.timeout(60):
            await console.write("grüße\r".encode())
            await read_until(console, "grüße\r".encode())
            await console.write(b"x" * 5000 + b"!")
            found = await read_until(console, b"!")
        await console.close()

        assert found == b"x" * 5000 + b"!"
        assert await console.read() == b""
        assert (await system.serial_tail(*guest.key, 3)) == b"xx!"
        with pytest.raises(Conflict, match="the console is closed"):
            await console.write(b"x")


async def test_one_holds_a_console_and_force_takes_it(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder) as guest:
        first = await system.console(*guest.key, force=False)
        with pytest.raises(Conflict, match="is open somewhere else") as refused:
            await system.console(*guest.key, force=False)
        second = await system.console(*guest.key, force=True)

        assert refused.value.remedy == f"take it over: provisioner guest console {guest.name} --force"
        async with asyncio.timeout(10):
            while await first.read():
                pass
            await second.write(b"mine!")
            await read_until(second, b"mine!")
        await first.close()
        await second.close()
        third = await system.console(*guest.key, force=False)
        await third.close()


async def test_a_console_ends_with_its_guest(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder) as guest:
        console = await system.console(*guest.key, force=False)
        await system.apply(StopDomain(*guest.key))
        async with asyncio.timeout(10):
            while await console.read():
                pass
        await console.close()

        for call in (
            system.console(*guest.key, force=False),
            system.screenshot(*guest.key),
            system.display(*guest.key),
            system.screen(*guest.key),
            system.suspend(*guest.key),
            system.resume(*guest.key),
        ):
            with pytest.raises(Conflict, match=f"guest {guest.name} is not running"):
                await call


async def test_what_a_guest_says_is_followed_beside_a_console(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder) as guest:
        console = await system.console(*guest.key, force=False)
        text = await system.serial_text(*guest.key, 4096)
        async with asyncio.timeout(60):
            await read_until(text, HELLO)
            await console.write(b"later!")
            await read_until(text, b"later!")
        with pytest.raises(Conflict, match="nobody can type"):
            await text.write(b"x")
        await text.close()
        await console.close()
        assert await text.read() == b""


async def test_a_log_that_was_rotated_is_read_on(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder) as guest:
        text = await system.serial_text(*guest.key, 4096)
        async with asyncio.timeout(60):
            await read_until(text, HELLO)
        guest.log.rename(guest.log.with_suffix(".0"))
        guest.log.write_bytes(b"a new file")
        async with asyncio.timeout(10):
            assert await text.read() == b"a new file"
        await text.close()


async def test_without_a_serial_console_it_is_said(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder, SCREEN) as guest:
        with pytest.raises(Conflict, match="has no serial console that can be typed into"):
            await system.console(*guest.key, force=False)
        assert await system.serial_tail(*guest.key, 100) == b""
    async with living(system, folder, "<serial type='file'><source path='{log}'/></serial>") as guest:
        with pytest.raises(Conflict, match="has no serial console that can be typed into"):
            await system.console(*guest.key, force=False)
        text = await system.serial_text(*guest.key, 100)
        async with asyncio.timeout(60):
            await read_until(text, HELLO)
        await text.close()


async def test_a_screen_is_a_picture(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder, PTY + SCREEN) as guest:
        picture = await system.screenshot(*guest.key)
        [there] = [domain for domain in await system.domains() if domain.uuid == guest.uuid]

        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", picture[16:24])
        assert width >= 640 and height >= 350
        assert there.screen is True


async def test_a_guest_without_a_screen_says_so(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder) as guest:
        for call in (system.screenshot(*guest.key), system.display(*guest.key), system.screen(*guest.key)):
            with pytest.raises(Conflict, match="has no screen: it was made without graphics") as refused:
                await call
            assert refused.value.remedy == f"its serial console: provisioner guest console {guest.name}"


async def vnc_security(port: int) -> bytes:
    """The security types that a VNC server on loopback offers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.readexactly(12)
        writer.write(b"RFB 003.008\n")
        return await reader.readexactly(int.from_bytes(await reader.readexactly(1)))
    finally:
        writer.close()


async def test_a_screen_is_on_loopback_and_locked(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder, PTY + SCREEN) as guest:
        shown = await system.display(*guest.key)
        until = datetime.now(UTC) + timedelta(minutes=1)
        assert await system.unlock_display(*guest.key, "abcdefgh", until) == shown

        assert (shown.listen, shown.loopback, shown.locked) == ("127.0.0.1", True, True)
        assert shown.uri == f"vnc://127.0.0.1:{shown.port}"
        assert await vnc_security(shown.port) == b"\x02"  # VNC authentication, nothing weaker


async def test_a_screen_without_a_lock_cannot_be_given_one(system: LibvirtHost, folder: Path) -> None:
    open_one = "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>"
    async with living(system, folder, f"{PTY}{open_one}<video><model type='vga'/></video>") as guest:
        assert (await system.display(*guest.key)).locked is False
        with pytest.raises(Conflict, match="has no lock"):
            await system.unlock_display(*guest.key, "abcdefgh", datetime.now(UTC))


async def test_a_screen_is_handed_over_without_port_and_password(system: LibvirtHost, folder: Path) -> None:
    async with living(system, folder, PTY + SCREEN) as guest:
        screen = await system.screen(*guest.key)
        async with asyncio.timeout(10):
            assert await screen.read() == b"RFB 003.008\n"
            await screen.write(b"RFB 003.008\n")
            assert await screen.read() == b"\x01\x01"  # one way in: none
            await screen.write(b"\x01\x01")
            await read_until(screen, guest.name.encode())
        await screen.close()
        with pytest.raises(Conflict):
            await screen.write(b"x")


async def test_a_pause_keeps_a_guest_where_it_is(system: LibvirtHost, folder: Path) -> None:
    async def state() -> str:
        return next(str(domain.state) for domain in await system.domains() if domain.uuid == guest.uuid)

    async with living(system, folder, PTY + SCREEN) as guest:
        for _ in range(2):
            await system.suspend(*guest.key)
        assert await state() == "paused"
        await system.screenshot(*guest.key)
        for _ in range(2):
            await system.resume(*guest.key)
        assert await state() == "running"


async def test_a_foreign_domain_has_no_life_here(system: LibvirtHost) -> None:
    with pytest.raises(Conflict, match="is no longer in libvirt"):
        await system.console("nobody", "11111111-2222-4333-8444-555555555555", force=True)
