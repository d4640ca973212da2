"""`/api/v1`: every operation in one table, which routes, checks and the document are made from."""

import json
from functools import cache

from aiohttp import web

from provisioner.web import (
    api_answers,
    api_board,
    api_events,
    api_guests,
    api_hosts,
    api_installs,
    api_lab,
    api_life,
    api_loaders,
    api_machines,
    api_media,
    api_mirror,
    api_networks,
    api_pace,
    api_profiles,
    api_rebuild,
    api_session,
    api_snapshots,
    api_storage,
    api_trees,
)
from provisioner.web.openapi import document
from provisioner.web.operation import Operation, handler
from provisioner.web.routes import Route

ROOT = "/api/v1"
OPERATIONS: tuple[Operation, ...] = (
    *api_guests.OPERATIONS,
    *api_board.OPERATIONS,
    *api_life.OPERATIONS,
    *api_rebuild.OPERATIONS,
    *api_snapshots.OPERATIONS,
    *api_installs.OPERATIONS,
    *api_events.OPERATIONS,
    *api_lab.OPERATIONS,
    *api_pace.OPERATIONS,
    *api_profiles.OPERATIONS,
    *api_trees.OPERATIONS,
    *api_mirror.OPERATIONS,
    *api_machines.OPERATIONS,
    *api_hosts.OPERATIONS,
    *api_storage.OPERATIONS,
    *api_media.OPERATIONS,
    *api_loaders.OPERATIONS,
    *api_networks.OPERATIONS,
    *api_answers.OPERATIONS,
    *api_session.OPERATIONS,
)


async def openapi(_request: web.Request) -> web.Response:
    """The API's own description, for programs."""
    return web.Response(text=_document(), content_type="application/json")


@cache
def _document() -> str:
    return json.dumps(document(ROOT, OPERATIONS))


ROUTES = (
    *(Route(row.method, ROOT + row.path, handler(row), "person") for row in OPERATIONS),
    Route("GET", f"{ROOT}/openapi.json", openapi, "person"),
    Route("GET", "/api/openapi.json", openapi, "person"),
)
