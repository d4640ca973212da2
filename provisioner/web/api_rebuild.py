"""Several guests at a time: installed anew, and what each would lose; switched on."""

from aiohttp import web

from provisioner.web.keys import SERVICES
from provisioner.web.lines import CONTENT, each_told, send_lines
from provisioner.web.operation import FLAG, Operation, flag
from provisioner.web.schemas import Created, to_data
from provisioner.web.schemas_rebuild import LossOut, RebuildBody, RebuildsBody, StartsBody


async def rebuild(request: web.Request, body: RebuildBody) -> object:
    name = request.match_info["name"]
    return Created.of(await request.app[SERVICES].rebuilds.rebuild(name, body.wish()))


async def rebuild_each(request: web.Request, body: RebuildsBody) -> object:
    """A line for each: `{"name": …, "created": …}`, of a dry run `"loses"`; or `"error"` and `"remedy"`."""
    rebuilds = request.app[SERVICES].rebuilds
    names = list(dict.fromkeys(body.names))
    if flag(request, "dry_run"):
        looking = rebuilds.look_each(names, body.wish())
        told = each_told(looking, lambda found: {"loses": to_data(LossOut.of(found))}, "looking at guest")
    else:
        making = rebuilds.rebuild_each(names, body.wish(), at_once=body.at_once)
        told = each_told(making, lambda made: {"created": to_data(Created.of(made))}, "rebuilding guest")
    return await send_lines(request, told, "rebuilding guests")


async def start_each(request: web.Request, body: StartsBody) -> object:
    """A line for each: `{"name": …, "started": true}`, or `"error"`, `"remedy"` and `"status"`."""
    names = list(dict.fromkeys(body.names))
    starting = request.app[SERVICES].starts.start_each(names, at_once=body.at_once)
    told = each_told(starting, lambda _: {"started": True}, "starting guest")
    return await send_lines(request, told, "starting guests")


OPERATIONS = (
    Operation(
        "POST",
        "/guests/start",
        "Switch several guests on; a JSON object a line",
        start_each,
        None,
        takes=StartsBody,
        content=CONTENT,
    ),
    Operation(
        "POST",
        "/guests/{name}/rebuild",
        "Install it anew; without a body on an empty system disk",
        rebuild,
        Created,
        takes=RebuildBody,
        status=201,
    ),
    Operation(
        "POST",
        "/guests/rebuild",
        "Install several guests anew; a JSON object a line",
        rebuild_each,
        None,
        takes=RebuildsBody,
        query={"dry_run": f"{FLAG}: only tell what each would lose"},
        content=CONTENT,
    ),
)
