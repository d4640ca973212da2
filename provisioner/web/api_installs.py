"""`/installs`: runs of profiles on machines. A ref is an id, or a name that stands for its latest."""

from aiohttp import web

from provisioner.core.errors import NotFound
from provisioner.core.install import Event, Kind
from provisioner.distros.console import text as lines
from provisioner.service.ports import Piece
from provisioner.web.keys import SERVICES
from provisioner.web.operation import FLAG, Operation, flag, number
from provisioner.web.outlooks import InstallOut, told, told_one
from provisioner.web.schemas import WhyOut
from provisioner.web.timeline import iso, read

_MOST = 10**18
_TAIL = 64 * 1024
_NO_STORE = {"Cache-Control": "no-store"}


async def list_all(request: web.Request, _body: None) -> object:
    services, limit = request.app[SERVICES], number(request, "limit", 200, 10_000)
    found = await services.store.installs(active=flag(request, "active"), limit=limit)
    return await told(services, found[:limit])


async def show(request: web.Request, _body: None) -> object:
    services = request.app[SERVICES]
    return await told_one(services, await services.store.install(request.match_info["ref"]))


async def events(request: web.Request, _body: None) -> object:
    """All of them where no limit is given."""
    store = request.app[SERVICES].store
    found = await store.install(request.match_info["ref"])
    after, limit = number(request, "after", 0, _MOST), number(request, "limit", 0, 10_000)
    if latest := number(request, "latest", 0, 10_000):
        return await read(store, found.id, after=after, keep=latest)
    if limit:
        return await store.events(after=after, install=found.id, limit=limit)
    return await read(store, found.id, after=after)


async def why(request: web.Request, _body: None) -> object:
    found = await request.app[SERVICES].installs.why(request.match_info["ref"])
    sizes = await request.app[SERVICES].evidence.sizes(found.install)
    return WhyOut(
        install=found.install,
        stage=found.stage,
        last=found.last,
        missing=found.missing,
        cause=found.cause,
        remedy=found.remedy,
        diagnosis=found.diagnosis,
        paragraph=found.paragraph,
        evidence=list(found.evidence),
        kept={str(piece): size for piece, size in sizes.items()},
    )


async def screen(request: web.Request, _body: None) -> object:
    return web.Response(body=await _piece(request, "screen"), content_type="image/png", headers=_NO_STORE)


async def log(request: web.Request, _body: None) -> object:
    """What its failure report brought, or its log port; else what its syslog told, line by line."""
    try:
        text = await _piece(request, "log")
    except NotFound:
        found = await request.app[SERVICES].store.install(request.match_info["ref"])
        said = await read(request.app[SERVICES].store, found.id, kinds=(Kind.LOG,))
        if not said:
            raise
        text = "".join(f"{iso(event.at)} {event.text}\n" for event in said).encode()
    return _text(text)


async def serial(request: web.Request, _body: None) -> object:
    """As it was kept at the end; while it runs, what it said so far."""
    services = request.app[SERVICES]
    try:
        return _text(await _piece(request, "serial"))
    except NotFound:
        found = await services.store.install(request.match_info["ref"])
        if found.over:
            raise
        return _text(await services.life.said(found.guest, _TAIL))


async def _piece(request: web.Request, piece: Piece) -> bytes:
    services = request.app[SERVICES]
    found = await services.store.install(request.match_info["ref"])
    try:
        return await services.evidence.read(found.id, piece)
    except NotFound:
        remedy = "" if found.over else "it is kept when the install ends"
        raise NotFound(f"of install {found.id} of {found.guest} no {piece} is kept", remedy=remedy) from None


def _text(data: bytes) -> web.Response:
    return web.Response(text=lines(data), content_type="text/plain", headers=_NO_STORE)


async def cancel(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].installs.cancel(request.match_info["ref"])


OPERATIONS = (
    Operation(
        "GET",
        "/installs",
        "List installs, the newest first",
        list_all,
        list[InstallOut],
        query={"limit": "how many, 200 by default", "active": f"{FLAG}: only those that are not over"},
    ),
    Operation("GET", "/installs/{ref}", "Show an install", show, InstallOut),
    Operation(
        "GET",
        "/installs/{ref}/events",
        "What happened in it, oldest first",
        events,
        list[Event],
        query={
            "after": "an event's id: only what came after it",
            "limit": "how many, all by default",
            "latest": "only so many of the newest",
        },
    ),
    Operation("GET", "/installs/{ref}/why", "Say where it stands and why", why, WhyOut),
    Operation(
        "GET",
        "/installs/{ref}/screen.png",
        "Its guest's screen as it failed",
        screen,
        None,
        content="image/png",
    ),
    Operation("GET", "/installs/{ref}/log", "Its installer's log", log, None, content="text/plain"),
    Operation(
        "GET", "/installs/{ref}/serial", "The end of its serial line", serial, None, content="text/plain"
    ),
    Operation("POST", "/installs/{ref}/cancel", "End it; guest and disk stay", cancel, InstallOut),
)
