"""The pages: all installs at `/`, one at `/install/{ref}`. Scripts keep them fresh over `/events`."""

from aiohttp import web

from provisioner.core.errors import NotFound
from provisioner.core.install import Event, Install, Kind
from provisioner.service.ports import Store
from provisioner.web import timeline
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.outlooks import InstallOut, told, told_one
from provisioner.web.routes import Route

SHOWN = 100
UNFOLDED = 20
"""Of so many running installs the page shows the latest events; the others have their own pages."""
_LATEST = 6
_LOG_LINES = 500
_NOT_LOG = frozenset(Kind) - {Kind.LOG}


async def index(request: web.Request) -> web.Response:
    """The installs, newest first."""
    services = request.app[SERVICES]
    now = services.clock()
    # Asked first, so that what happens while the page is made is replayed to it.
    after = await services.store.last_event_id()
    installs = await told(services, await services.store.installs(limit=SHOWN))
    installs.sort(key=lambda install: install.created, reverse=True)
    unfolded = {install.id for install in [i for i in installs if not i.over][:UNFOLDED]}
    rows = []
    for install in installs:
        events: list[Event] = []
        if install.id in unfolded:
            events = await timeline.read(services.store, install.id, kinds=_NOT_LOG, keep=200)
        rows.append(
            {
                "install": timeline.fields(install, now),
                "events": timeline.fold(events, install.created, _LATEST),
            }
        )
    return page("index.html.j2", rows=rows, counts=_counts(installs), after=after, now=timeline.iso(now))


async def install(request: web.Request) -> web.Response:
    """One install: track, evidence, facts and the whole timeline."""
    services = request.app[SERVICES]
    now = services.clock()
    after = await services.store.last_event_id()
    found = await told_one(services, await services.store.install(request.match_info["ref"]))
    events = await timeline.read(services.store, found.id, kinds=_NOT_LOG)
    logged = await timeline.read(services.store, found.id, kinds={Kind.LOG}, keep=_LOG_LINES)
    together = sorted([*events, *logged], key=lambda event: event.id)
    return page(
        "install.html.j2",
        install=timeline.fields(found, now),
        steps=timeline.steps(found, events),
        events=timeline.fold(together, found.created, 2000),
        why=await _why(request, found),
        ours=await _ours(services.store, found),
        after=after,
        now=timeline.iso(now),
    )


async def _ours(store: Store, install: Install) -> bool:
    """Whether it is the latest of a guest of ours that is still there."""
    try:
        return (await store.guest(install.guest)).install == install.id
    except NotFound:
        return False


async def _why(request: web.Request, install: Install) -> dict[str, object] | None:
    """The explanation, where there is something to explain."""
    if install.stage.value == "installed":
        return None
    try:
        why = await request.app[SERVICES].installs.why(install.id)
    except NotFound:
        return None
    last = f"{why.last.kind.value}: {why.last.text}" if why.last else ""
    evidence = [f"{event.kind.value}: {event.text}" for event in why.evidence]
    return {
        "diagnosis": why.diagnosis,
        "last": last,
        "missing": why.missing,
        "cause": why.cause,
        "remedy": why.remedy,
        "evidence": evidence,
    }


def _counts(installs: list[InstallOut]) -> dict[str, int]:
    return {
        "running": sum(not install.over for install in installs),
        "installed": sum(install.stage.value == "installed" for install in installs),
        "failed": sum(install.stage.value == "failed" for install in installs),
    }


ROUTES = (
    Route("GET", "/", index, "person"),
    Route("GET", "/install/{ref}", install, "person"),
)
