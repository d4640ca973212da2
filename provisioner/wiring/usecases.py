"""Every use case with its edges, and what has to run beside the listeners."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from provisioner import state
from provisioner.netboot import interfaces
from provisioner.process import NetbootProcess
from provisioner.wiring import segment
from provisioner.wiring.ground import end, is_unheld, now
from provisioner.wiring.hosts import Connections, at_once, configured
from provisioner.wiring.prepare import Prepared, prepare

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.service.ports import Store
    from provisioner.service.served import Served
    from provisioner.web.services import Services

_log = logging.getLogger("provisioner")


async def services(
    settings: "Settings", store: "Store", child: NetbootProcess, stack: AsyncExitStack, served_now: "Served"
) -> tuple["Services", Callable[[], Coroutine[Any, Any, None]]]:
    """Every use case with its edges, and what has to run beside the listeners."""
    from provisioner.hypervisor.validator import HostValidator
    from provisioner.media.answers import AnswerProcess
    from provisioner.media.archive import Archive
    from provisioner.media.images import Builder
    from provisioner.media.inspect import StreamInspector
    from provisioner.media.loader_store import LoaderStore
    from provisioner.media.loaders import Shelf
    from provisioner.media.prepare import Prepared as PreparedDisks
    from provisioner.media.stick import Sticks
    from provisioner.media.store import MediaStore
    from provisioner.mirror.systems import Systems
    from provisioner.mirror.tree import Reader
    from provisioner.segment.knock import knock
    from provisioner.service.aftercare import Aftercare
    from provisioner.service.answering import Answering
    from provisioner.service.answers import Answers
    from provisioner.service.arguments import Arguments
    from provisioner.service.booting import Booting
    from provisioner.service.bootmedia import BootMedia
    from provisioner.service.clones import Clones
    from provisioner.service.differences import Differences
    from provisioner.service.discs import Discs
    from provisioner.service.drafts import Drafts
    from provisioner.service.execution import Execution
    from provisioner.service.explain import Explain
    from provisioner.service.grounds import Grounds
    from provisioner.service.guest_life import GuestLife
    from provisioner.service.guests import Guests
    from provisioner.service.host_variables import HostVariables
    from provisioner.service.hosts import Registry
    from provisioner.service.ids import RandomIds
    from provisioner.service.images import Images
    from provisioner.service.installs import Installs
    from provisioner.service.lab_cases import Cases
    from provisioner.service.labs import Labs
    from provisioner.service.loaders import Loaders
    from provisioner.service.locations import Locations
    from provisioner.service.machines import Machines
    from provisioner.service.media import Media
    from provisioner.service.mirror_rules import Rules
    from provisioner.service.pace import Paces
    from provisioner.service.profiles import Profiles
    from provisioner.service.progress import Progress
    from provisioner.service.rebuilds import Rebuilds
    from provisioner.service.recipes import Recipes
    from provisioner.service.reconcile import reconcile
    from provisioner.service.snapshots import Snapshots
    from provisioner.service.staging import unstage
    from provisioner.service.starts import Starts
    from provisioner.service.storage import Storage
    from provisioner.service.strain import Strain
    from provisioner.service.sweep import sweep
    from provisioner.service.texts import Texts
    from provisioner.service.tokens import Tokens, load_key
    from provisioner.service.transfers import Transfers
    from provisioner.service.trees import Trees
    from provisioner.service.turns import Turns
    from provisioner.service.unlocking import Unlocking
    from provisioner.service.verdicts import Verdicts
    from provisioner.service.waits import unhurried
    from provisioner.service.watchdog import Watchdog
    from provisioner.service.workshop import Workshop
    from provisioner.web.services import Services
    from provisioner.wiring.evidence import sources
    from provisioner.wiring.makers import Makers
    from provisioner.wiring.mirror import mirror
    from provisioner.wiring.mirror_cases import cases
    from provisioner.wiring.watching import watch

    folder = settings.state_dir
    rules = Rules(store, settings.mirror_folder / "offline", offline=settings.mirror_offline)
    await rules.refresh()
    systems = Systems(settings.region, settings.mirrors)
    upstream, cache, states, listings = await mirror(settings, rules, systems, stack)
    progress = Progress(store, now, first_stage_over=lambda name: aftercare.look(name))
    host = Connections(settings.libvirt_uri, progress.on_domain_event)
    stack.push_async_callback(host.close)
    aftercare = Aftercare(store, host)
    hosts = Registry(
        store, host, HostValidator(), local=settings.libvirt_uri, configured=configured(settings)
    )
    await hosts.allow()
    opening = asyncio.create_task(hosts.open())
    stack.push_async_callback(end, opening)
    tokens = Tokens(load_key(folder / "service.key"), store, now, settings.token_minutes, ends=unhurried(now))
    reader = AnswerProcess(folder=settings.templates)
    stack.push_async_callback(reader.close)
    texts = Texts(reader, reader, settings.templates)
    around = HostVariables(settings.host_variables, hosts.all)
    for name in await around.strangers():
        _log.warning("host_variables.%s: there is no host of that name; see provisioner host list", name)
    profiles = Profiles(store, texts)
    shelves = MediaStore(folder / "media", settings.media_dirs)
    boot_dir = state.boot_dir(folder)
    trees = Trees(
        store,
        Reader(upstream, upstream.archive),
        profiles,
        partial(unstage, boot_dir),
        Discs(shelves),
        systems,
        rules,
        kept=Reader(cache),
        forget=cache.forget,
    )
    answers = Answers(store, tokens, profiles, trees, texts, settings.syslog_port, around)
    ids = RandomIds(is_unheld)
    shelf = Shelf(folder / "loaders", settings.loader_dirs)
    loaders = LoaderStore(shelf)
    prepared = asyncio.create_task(prepare(settings, store, host))
    stack.push_async_callback(end, prepared)
    arguments = Arguments(store, tokens, profiles, settings.syslog_port)
    disks = PreparedDisks(folder / "cache" / "disks")
    shop = Makers(shelves, disks)
    grounds = Grounds(tokens, arguments, answers, shop, state.log_dir(folder), folder / "work", boot_dir)
    drafts = Drafts(
        store,
        host,
        Prepared(profiles, prepared),
        trees,
        now,
        ids,
        grounds,
        Locations(trees, profiles),
        shop,
        served_now,
        settings.http_port,
        settings.guest_address,
        answers.check,
        hosts.resolve,
        systems.least,
        systems.ended,
    )
    workshop = Workshop(cache.open, shop, folder / "work")
    turns = Turns(store, at_once(settings), Strain(store, now, upstream.saturated))
    execution = Execution(store, host, workshop, tokens, now, turns)
    stack.push_async_callback(execution.close)
    guests = Guests(store, host, tokens, now, drafts, execution, neighbour=interfaces.neighbour_address)
    for keeper in (shelves, disks, loaders):
        await asyncio.to_thread(keeper.sweep)
    storage = Storage(host, StreamInspector(), Transfers(folder / "transfers"), [folder])
    told = sources(settings, store, host, answers.secrets)
    life = GuestLife(
        store, host, guests, now, neighbour=interfaces.neighbour_address, release=told.far.release
    )
    answering = Answering(store, host, knock, neighbour=interfaces.neighbour_address)
    snapshots = Snapshots(store, host, guests, now, answering)
    stack.push_async_callback(snapshots.close)
    clones = Clones(store, host, guests, tokens, now, ids, state.log_dir(folder))
    stack.push_async_callback(clones.close)
    paces = Paces(store, now)
    watchdog = Watchdog(
        store,
        host,
        now,
        _deadlines(settings),
        settings.settle_seconds,
        busy=execution.busy.__contains__,
        learnt=paces.deadline,
    )

    mirrored = await cases(
        settings, rules, upstream, cache, states, trees, profiles, answers, served_now, stack
    )
    networks = await segment.networks(settings, store, host, served_now, stack)
    images = Images(store, Builder(folder / "images", folder / "cache"), profiles)
    differences = Differences(answers, Archive(folder / "served"), now)
    labs = Labs(
        Cases(
            store,
            host,
            tokens,
            hosts,
            networks.networks,
            storage,
            trees,
            images,
            profiles,
            guests,
            life,
            clones,
            answers,
            differences,
        )
    )

    async def ready() -> None:
        await store.last_event_id()
        child.ready()

    async def open_host() -> None:
        await host("").open()

    async def tidy() -> list[str]:
        done = await snapshots.mend() + await clones.mend() + await reconcile(store, host, guests, now)
        done += await storage.mend() + await told.sweep.mend()
        uris = dict.fromkeys(["", *(row.uri for row in await store.guests())])
        return done + await sweep(store, host, uris, execution.busy.__contains__)

    served = Services(
        store=store,
        clock=now,
        state_dir=folder,
        booting=Booting(
            store,
            tokens,
            now,
            arguments,
            loaders=shelf,
            recipes=Recipes(boot_dir, shelf, http_port=settings.http_port, syslog_port=settings.syslog_port),
            neighbour=interfaces.neighbour,
        ),
        tokens=tokens,
        unlock=Unlocking(tokens, store, interfaces.neighbour),
        answers=answers,
        differences=differences,
        guests=guests,
        verdicts=Verdicts(store, drafts, served_now, guests.dry_run),
        life=life,
        clones=clones,
        rebuilds=Rebuilds(store, host, guests, life, snapshots.forget),
        labs=labs,
        snapshots=snapshots,
        starts=Starts(host, guests, answering),
        installs=Installs(store, host, now, paces.slower),
        paces=paces,
        reports=told.reports,
        evidence=told.files,
        profiles=profiles,
        explain=Explain(store, profiles, around),
        trees=trees,
        images=images,
        machines=Machines(
            store,
            tokens,
            Prepared(profiles, prepared),
            now,
            ids,
            partial(workshop.stage, folder=str(boot_dir)),
            answers.check,
        ),
        boot_media=BootMedia(
            store,
            host,
            Sticks((folder / "loaders", *settings.loader_dirs)),
            served_now,
            settings.http_port,
            settings.guest_address,
        ),
        storage=storage,
        media=Media(shelves, disks, host, trees),
        loaders=Loaders(loaders),
        networks=networks,
        mirror=mirrored,
        host=lambda: host(""),
        hosts=hosts,
        files=cache,
        listing=listings.list,
        neighbour=interfaces.neighbour,
        ready=ready,
    )

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(reader.warm())
            group.create_task(told.consoles.follow())
            kept = (told.keeping.tick, trees.offer, rules.refresh)
            await watch(open_host, tidy, (paces.tick, watchdog.tick, aftercare.tick, *kept))

    return served, work


def _deadlines(settings: "Settings") -> dict[str, int]:
    """Those that are set; the others are learnt."""
    given = {
        "creating": settings.creating_seconds,
        "booting": settings.booting_seconds,
        "loading": settings.loading_seconds,
        "installing": settings.installing_seconds,
    }
    return {stage: seconds for stage, seconds in given.items() if seconds != "learnt"}
