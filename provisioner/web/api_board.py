"""`/board`: guests and machines in short, for whoever watches many; unchanged, it is told in one line."""

import json
from hashlib import sha256

from aiohttp import hdrs, web

from provisioner.web import board
from provisioner.web.keys import BOARD, SERVICES
from provisioner.web.operation import FLAG, Operation, flag, unchanged
from provisioner.web.schemas_board import BoardOut
from provisioner.web.timeline import iso


async def show(request: web.Request, _body: None) -> object:
    """An ETag tells whether anything but the clock changed."""
    services, runs = request.app[SERVICES], not flag(request, "short")
    found = await request.app[BOARD].get("")
    after = found.after if runs else 0
    told = [board.fields(member, run=runs) for member in found.members]
    mark = sha256(json.dumps([after, told]).encode()).hexdigest()[:20]
    headers = {hdrs.ETAG: f'"{mark}"', hdrs.CACHE_CONTROL: "no-store"}
    if unchanged(request, mark):
        return web.Response(status=304, headers=headers)
    return web.json_response({"after": after, "now": iso(services.clock()), "members": told}, headers=headers)


OPERATIONS = (
    Operation(
        "GET",
        "/board",
        "Guests and machines in short, with their latest installs",
        show,
        BoardOut,
        query={"short": f"{FLAG}: without installs, which `/events?brief=1` tells as they change"},
    ),
)
