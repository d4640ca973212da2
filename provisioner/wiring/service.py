"""The service process: the child started, the use cases put together, the two listeners opened."""

import asyncio
import gc
import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from provisioner import state
from provisioner.netboot import interfaces
from provisioner.process import NetbootProcess
from provisioner.wiring.doors import Doors, listen
from provisioner.wiring.ground import end
from provisioner.wiring.hosts import configured

if TYPE_CHECKING:
    from provisioner.config import Settings

_log = logging.getLogger("provisioner")
_FILES = 65_536
_ROOTLESS = (
    "no rights are needed: guests of this user's own libvirt boot over QEMU's user network, "
    "from http://127.0.0.1:{port}; DHCP and TFTP are not answered"
)


def serve(settings: "Settings") -> None:
    """Answers until SIGTERM or SIGINT. Raises ProvisionerError for what keeps it from starting."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
    # Threads that come back from libvirt or SQLite must not wait for long until the loop lets them go on.
    sys.setswitchinterval(0.0005)
    # Each guest that fetches holds a socket and a file; 1024, as systemd has it, are soon at an end.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if most == resource.RLIM_INFINITY else min(most, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    asyncio.run(_until_stopped(settings))


async def _until_stopped(settings: "Settings") -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with _running(settings) as url:
        if settings.rootless:
            _log.info("%s", _ROOTLESS.format(port=settings.http_port))
        _log.info("ready: %s (provisioner token shows how to get in)", url)
        await stopped.wait()


@asynccontextmanager
async def _running(settings: "Settings") -> AsyncIterator[str]:
    """The service, from its first open file to its last closed one. Gives the API's URL."""
    from provisioner.service.hosts import settled

    settled(settings.libvirt_uri, configured(settings))  # before anything is begun
    async with AsyncExitStack() as stack:
        child = NetbootProcess(_for_netboot(settings))
        stack.push_async_callback(child.stop)
        await child.load()  # beside what this process has to load itself

        from provisioner.service.served import Served
        from provisioner.store.database import Database
        from provisioner.web.app import guest_app, people_app
        from provisioner.web.listener import Listener
        from provisioner.wiring import usecases

        folder = state.prepare(settings.state_dir)
        store = Database(settings.database, token_life=timedelta(minutes=settings.token_minutes))
        await store.open()
        stack.push_async_callback(store.close)
        await store.migrate(folder / "backup")
        starting = asyncio.create_task(child.start())
        stack.push_async_callback(end, starting)
        served = Served(settings.interfaces, interfaces.addresses)
        services, watch = await usecases.services(settings, store, child, stack, served)
        await starting
        url = f"http://{settings.api_address}:{settings.api_port}"
        token = state.credentials(folder / "api.json", url)
        people, guests = Listener(people_app(services, token)), Listener(guest_app(services))
        for listener in (people, guests):
            await listener.setup()
            stack.push_async_callback(listener.cleanup)
        await listen(people, settings.api_address, settings.api_port)
        doors = Doors(guests, settings.http_port, served)
        await doors.follow()
        for work in (watch, doors.follow_on):
            task = asyncio.create_task(work())
            stack.push_async_callback(end, task)
        gc.freeze()  # all that was loaded stays; to look through it again would keep requests waiting
        yield url


def _for_netboot(settings: "Settings") -> dict[str, object]:
    return {
        "database": settings.database,
        "token_minutes": settings.token_minutes,
        "http_port": settings.http_port,
        "boot_dir": str(state.boot_dir(settings.state_dir)),
        "loaders": str(settings.state_dir / "loaders"),
        "discover": settings.unknown_machines == "discover",
        "loader_dirs": [str(folder) for folder in settings.loader_dirs],
        "netboot": {
            "interfaces": settings.interfaces,
            "netboot": settings.netboot,
            "dhcp_port": settings.dhcp_port,
            "proxy_port": settings.proxy_port,
            "tftp_port": settings.tftp_port,
            "tftp_window": settings.tftp_window,
            "tftp_timeout": settings.tftp_timeout,
            "tftp_rollover": settings.tftp_rollover,
            "syslog_port": settings.syslog_port,
            "router_advertisement": settings.router_advertisement,
        },
    }
