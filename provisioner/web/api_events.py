"""`/events` of the API: what happened, as a list; the live stream of the same is at `/events`."""

from aiohttp import web

from provisioner.core.install import Event
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation, number
from provisioner.web.timeline import read

_MOST = 10**18
_LIMIT = 1000


async def list_all(request: web.Request, _body: None) -> object:
    store = request.app[SERVICES].store
    after = number(request, "after", 0, _MOST)
    limit = number(request, "limit", _LIMIT, 10_000)
    latest = number(request, "latest", 0, 10_000)
    install = request.query.get("install", "")
    if install:
        install = (await store.install(install)).id
    if latest and install:
        return await read(store, install, after=after, keep=latest)
    if latest:
        after, limit = max(after, await store.last_event_id() - latest), latest
    return await store.events(after=after, install=install, limit=limit)


OPERATIONS = (
    Operation(
        "GET",
        "/events",
        "What happened, oldest first",
        list_all,
        list[Event],
        query={
            "after": "an event's id: only what came after it",
            "install": "an install's id, or the name of a guest or machine: only of that",
            "limit": f"how many, {_LIMIT} by default",
            "latest": "only so many of the newest",
        },
    ),
)
