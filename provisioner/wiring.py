"""Introduces edges and use cases to each other and runs them: the only file that names every concrete class.

Two processes: the service has HTTP, libvirt and the watchdog; netboot is a child of its own, so that neither
rendering nor a slow libvirt delays a DHCP answer. They meet in the store.
"""

import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner import state
from provisioner.core.errors import ProvisionerError, Unavailable
from provisioner.core.firmware import LOADERS
from provisioner.netboot import interfaces
from provisioner.process import NetbootProcess, orphaned, say

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.core.profile import Profile
    from provisioner.hypervisor.connection import LibvirtHost
    from provisioner.service.ports import Store
    from provisioner.web.services import Services

_log = logging.getLogger("provisioner")
_TICK_SECONDS = 5.0
_RETRY_SECONDS = 5.0
_FOLLOW_SECONDS = 0.5
_MINI = "mini"


def _now() -> datetime:
    return datetime.now(UTC)


def _loaders(folders: list[Path]) -> dict[str, bytes]:
    """The first loaders that this host has, by name; the first folder that has one wins."""
    found = {}
    for name in LOADERS:
        for folder in folders:
            if (folder / name).is_file():
                found[name] = (folder / name).read_bytes()
                break
    return found


# --- the netboot process ------------------------------------------------------------------------------------


def netboot() -> None:
    """The child's whole life."""
    logging.basicConfig(level=logging.INFO, format="netboot: %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_netboot(json.loads(sys.stdin.readline())))


async def _netboot(given: dict[str, Any]) -> None:
    from provisioner.netboot.server import Netboot, NetbootSettings
    from provisioner.service.snapshot import Recorder, Snapshot
    from provisioner.store.database import Database

    store = Database(given["database"], token_life=timedelta(minutes=given["token_minutes"]))
    await store.open()
    shelf = _loaders([Path(folder) for folder in given["loader_dirs"]])
    snapshot = Snapshot(store, http_port=given["http_port"], loaders=shelf, neighbour=interfaces.neighbour)
    recorder = Recorder(store)
    await snapshot.refresh()
    wanted = {**given["netboot"], "interfaces": tuple(given["netboot"]["interfaces"])}
    server = Netboot(
        NetbootSettings(**wanted), snapshot.decide, snapshot.loader, recorder.emit, _now, snapshot.known
    )
    works = (server.run(lambda: say({"ready": True})), snapshot.keep(), recorder.keep(), orphaned())
    tasks = [asyncio.create_task(work) for work in works]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, tasks[-1].cancel)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done() and (error := tasks[0].exception()) is not None:
            remedy = getattr(error, "remedy", "")
            say({"error": str(error) or type(error).__name__, "remedy": remedy})
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.close()


# --- the service process ------------------------------------------------------------------------------------


def serve(settings: "Settings") -> None:
    """Answers until SIGTERM or SIGINT. Raises ProvisionerError for what keeps it from starting."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
    asyncio.run(_until_stopped(settings))


async def _until_stopped(settings: "Settings") -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with _running(settings) as url:
        _log.info("ready: %s (provisioner token shows how to get in)", url)
        await stopped.wait()


@asynccontextmanager
async def _running(settings: "Settings") -> AsyncIterator[str]:
    """The service, from its first open file to its last closed one. Gives the API's URL."""
    from provisioner.store.database import Database
    from provisioner.web.app import guest_app, people_app
    from provisioner.web.listener import Listener

    async with AsyncExitStack() as stack:
        folder = state.prepare(settings.state_dir)
        store = Database(settings.database, token_life=timedelta(minutes=settings.token_minutes))
        await store.open()
        stack.push_async_callback(store.close)
        await store.migrate(folder / "backup")
        child = NetbootProcess(_for_netboot(settings))
        starting = asyncio.create_task(child.start())
        stack.push_async_callback(child.stop)
        services, watch = await _services(settings, store, child, stack)
        await starting
        url = f"http://{settings.api_address}:{settings.api_port}"
        token = state.credentials(folder / "api.json", url)
        people, guests = Listener(people_app(services, token)), Listener(guest_app(services))
        for listener in (people, guests):
            await listener.setup()
            stack.push_async_callback(listener.cleanup)
        await _listen(people, settings.api_address, settings.api_port)
        served: set[str] = set()
        await _follow(guests, settings, served)
        for work in (watch, partial(_follow_on, guests, settings, served)):
            task = asyncio.create_task(work())
            stack.push_async_callback(_end, task)
        yield url


async def _services(
    settings: "Settings", store: "Store", child: NetbootProcess, stack: AsyncExitStack
) -> tuple["Services", Callable[[], Coroutine[Any, Any, None]]]:
    """Every use case with its edges, and what has to run beside the listeners."""
    from provisioner.hypervisor.connection import LibvirtHost
    from provisioner.media.images import Builder
    from provisioner.media.lint import ProcessLinter
    from provisioner.mirror.client import session
    from provisioner.mirror.tree import Reader
    from provisioner.mirror.upstream import Upstream
    from provisioner.service.answers import Answers
    from provisioner.service.arguments import Arguments
    from provisioner.service.booting import Booting
    from provisioner.service.guests import Guests
    from provisioner.service.ids import RandomIds
    from provisioner.service.images import Images
    from provisioner.service.installs import Installs
    from provisioner.service.machines import Machines
    from provisioner.service.profiles import Profiles
    from provisioner.service.progress import Progress
    from provisioner.service.reconcile import reconcile
    from provisioner.service.tokens import Tokens, load_key
    from provisioner.service.trees import Trees
    from provisioner.service.watchdog import Watchdog
    from provisioner.web.services import Services

    folder = settings.state_dir
    client = session()
    stack.push_async_callback(client.close)
    progress = Progress(store, _now)
    known: dict[str, LibvirtHost] = {}

    def host(uri: str) -> LibvirtHost:
        uri = uri or settings.libvirt_uri
        if uri not in known:
            known[uri] = LibvirtHost(uri)
            known[uri].watch(progress.on_domain_event)
            stack.push_async_callback(known[uri].close)
        return known[uri]

    tokens = Tokens(load_key(folder / "service.key"), store, _now, settings.token_minutes)
    linter = ProcessLinter()
    profiles = Profiles(store, linter)
    trees = Trees(store, Reader(client), profiles)
    answers = Answers(store, tokens, profiles, trees, linter, settings.syslog_port)
    ids = RandomIds()
    loaders = _loaders(settings.loader_dirs)
    prepared = asyncio.create_task(_prepare(settings, store, host("")))
    stack.push_async_callback(_end, prepared)
    guests = Guests(
        store,
        host,
        tokens,
        _Prepared(profiles, prepared),
        trees,
        _now,
        ids,
        state.log_dir(folder),
        lambda: interfaces.addresses(settings.interfaces),
        neighbour=interfaces.neighbour_address,
        check_answer=answers.check,
    )
    stack.push_async_callback(guests.close)
    arguments = Arguments(store, tokens, profiles, settings.syslog_port)
    watchdog = Watchdog(
        store,
        host,
        _now,
        _deadlines(settings),
        settings.settle_seconds,
        busy=guests.execution.busy.__contains__,
    )

    async def ready() -> None:
        await store.last_event_id()
        child.ready()

    async def watch() -> None:
        while not host("").up:  # what a killed service left can be judged only by looking at libvirt
            try:
                await host("").open()
            except ProvisionerError as error:
                _log.warning("%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
        for line in await reconcile(store, host, guests, _now):
            _log.info("%s", line)
        while True:
            try:
                await watchdog.tick()
            except ProvisionerError as error:
                _log.warning("the watchdog will look again: %s", error)
            await asyncio.sleep(_TICK_SECONDS)

    services = Services(
        store=store,
        clock=_now,
        state_dir=folder,
        booting=Booting(store, tokens, _now, arguments, loaders=loaders, neighbour=interfaces.neighbour),
        tokens=tokens,
        answers=answers,
        guests=guests,
        installs=Installs(store, host, _now),
        profiles=profiles,
        trees=trees,
        images=Images(store, Builder(folder / "images", folder / "cache"), profiles),
        machines=Machines(store, tokens, profiles, _now, ids),
        host=lambda: host(""),
        upstream=Upstream(client).open,
        neighbour=interfaces.neighbour,
        ready=ready,
    )
    return services, watch


class _Prepared:
    """Profiles, once what a guest needs is there: the mini installer's tree and the verdict on KVM."""

    def __init__(self, profiles: Any, prepared: asyncio.Task[None]) -> None:
        self._profiles = profiles
        self._prepared = prepared

    async def get(self, name: str) -> "Profile":
        await asyncio.shield(self._prepared)
        profile: Profile = await self._profiles.get(name)
        return profile


async def _prepare(settings: "Settings", store: "Store", host: "LibvirtHost") -> None:
    """Builds the mini installer where it is not there yet and proves KVM with it. Raises nothing."""
    from provisioner.core.profile import Tree
    from provisioner.distros.detect import detect
    from provisioner.hypervisor.kvm import prove
    from provisioner.media.mini import build_mini

    folder = settings.state_dir / "trees" / _MINI
    try:
        await build_mini(folder, settings.state_dir / "cache")
        facts = detect({".treeinfo": (folder / ".treeinfo").read_bytes()})
        tree = Tree(_MINI, str(folder), facts.family, facts.release, facts.kernel, facts.initrd)
        await store.put_tree(tree)
        proof = settings.state_dir / "cache" / "kvm.json"
        verdict = state.remembered_proof(proof)
        if verdict is None:
            verdict = await prove(host.uri, folder / facts.kernel, folder / facts.initrd, folder)
            state.remember_proof(proof, verdict)
        host.use_kvm(*verdict)
        _log.info("KVM: %s", verdict[1])
    except ProvisionerError as error:
        _log.warning("the mini installer is not there: %s", error)


async def _listen(listener: Any, address: str, port: int) -> None:
    try:
        await listener.listen(address, port)
    except OSError as error:
        raise Unavailable(
            f"TCP port {port} on {address} cannot be opened: {error.strerror}",
            remedy="stop what holds it, or choose another port",
        ) from error


async def _follow(listener: Any, settings: "Settings", served: set[str]) -> None:
    """Listens on the addresses that are new; a socket of an address that went serves it when it is back."""
    for address in interfaces.addresses(settings.interfaces).values():
        if address not in served:
            await _listen(listener, address, settings.http_port)
            served.add(address)


async def _follow_on(listener: Any, settings: "Settings", served: set[str]) -> None:
    said = ""
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        try:
            await _follow(listener, settings, served)
        except Unavailable as error:
            if str(error) != said:
                _log.error("%s", error)
            said = str(error)


def _for_netboot(settings: "Settings") -> dict[str, object]:
    return {
        "database": settings.database,
        "token_minutes": settings.token_minutes,
        "http_port": settings.http_port,
        "loader_dirs": [str(folder) for folder in settings.loader_dirs],
        "netboot": {
            "interfaces": settings.interfaces,
            "dhcp_port": settings.dhcp_port,
            "proxy_port": settings.proxy_port,
            "tftp_port": settings.tftp_port,
            "syslog_port": settings.syslog_port,
            "router_advertisement": settings.router_advertisement,
        },
    }


def _deadlines(settings: "Settings") -> dict[str, int]:
    return {
        "creating": settings.creating_seconds,
        "booting": settings.booting_seconds,
        "loading": settings.loading_seconds,
        "installing": settings.installing_seconds,
    }


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    netboot()
