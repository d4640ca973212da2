"""One install at `/install/{ref}`. Its script keeps it fresh over `/events`, and asks for the rest of it."""

from aiohttp import web

from provisioner.core.errors import NotFound
from provisioner.core.install import Install, Kind
from provisioner.service.ports import Store
from provisioner.web import timeline
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.outlooks import told_one
from provisioner.web.routes import Route

_LOG_LINES = 500
_NOT_LOG = frozenset(Kind) - {Kind.LOG}


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
        place="lab",
        install=timeline.fields(found, now),
        steps=timeline.steps(found, events),
        events=timeline.fold(together, found.created, 2000),
        why=await _why(request, found),
        ours=await _ours(services.store, found),
        kept=set(await services.evidence.sizes(found.id)),
        lines=len(logged),
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


ROUTES = (Route("GET", "/install/{ref}", install, "person"),)
