"""`/installs`: runs of profiles on machines. A ref is an id, or a name that stands for its latest."""

from aiohttp import web

from provisioner.core.install import Event
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation, number
from provisioner.web.outlooks import InstallOut, told, told_one
from provisioner.web.schemas import WhyOut
from provisioner.web.timeline import read

_MOST = 10**18


async def list_all(request: web.Request, _body: None) -> object:
    services = request.app[SERVICES]
    return await told(services, await services.store.installs(limit=number(request, "limit", 200, 10_000)))


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
    )


async def cancel(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].installs.cancel(request.match_info["ref"])


OPERATIONS = (
    Operation(
        "GET",
        "/installs",
        "List installs, the newest first",
        list_all,
        list[InstallOut],
        query={"limit": "how many, 200 by default"},
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
    Operation("POST", "/installs/{ref}/cancel", "End it; guest and disk stay", cancel, InstallOut),
)
