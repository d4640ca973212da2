"""`/snapshots`: guests kept as they were installed, had again without an installer, and let go."""

from aiohttp import web

from provisioner.web.keys import SERVICES
from provisioner.web.lines import CONTENT, each_told, send_lines
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, to_data
from provisioner.web.schemas_snapshots import ResetsBody, RestoredOut, SnapshotOut, SnapshotsBody


async def list_all(request: web.Request, _body: None) -> object:
    return [SnapshotOut.of(found) for found in await request.app[SERVICES].snapshots.every()]


async def take(request: web.Request, body: SnapshotsBody) -> object:
    """A line for each: `{"name": …, "snapshot": …}`, or `"error"`, `"remedy"` and `"status"`."""
    names = await _names(request, body)
    taking = request.app[SERVICES].snapshots.take_each(names, force=body.force)
    told = each_told(taking, lambda kept: {"snapshot": to_data(SnapshotOut.of(kept))}, "keeping guest")
    return await send_lines(request, told, "keeping guests")


async def reset(request: web.Request, body: ResetsBody) -> object:
    """A line for each: `{"name": …, "reset": …}`, or `"error"`, `"remedy"` and `"status"`."""
    names = await _names(request, body)
    resetting = request.app[SERVICES].snapshots.reset_each(names, wait=body.wait, at_once=body.at_once)
    told = each_told(resetting, lambda done: {"reset": to_data(RestoredOut.of(done))}, "resetting guest")
    return await send_lines(request, told, "resetting guests")


async def drop(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].snapshots.drop(name)
    return Done(done=f"the snapshot of guest {name} is let go; the guest stays as it is")


async def _names(request: web.Request, body: SnapshotsBody | ResetsBody) -> list[str]:
    if body.lab:
        return list(await request.app[SERVICES].snapshots.of_lab(body.lab))
    return list(dict.fromkeys(body.names))


OPERATIONS = (
    Operation("GET", "/snapshots", "List guests kept as they were installed", list_all, list[SnapshotOut]),
    Operation(
        "POST",
        "/snapshots",
        "Keep guests as they are, switched off for it; a JSON object a line",
        take,
        None,
        takes=SnapshotsBody,
        content=CONTENT,
    ),
    Operation(
        "POST",
        "/snapshots/reset",
        "Throw away what guests wrote since, and start them; a JSON object a line",
        reset,
        None,
        takes=ResetsBody,
        content=CONTENT,
    ),
    Operation("DELETE", "/snapshots/{name}", "Let a guest's snapshot go", drop, Done),
)
