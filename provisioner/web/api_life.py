"""`/guests/{name}/…`: a guest paused, watched, typed into, cloned, counted up before it is removed."""

from hashlib import sha256

from aiohttp import web

from provisioner.web import channels, serial
from provisioner.web.api_guests import switch
from provisioner.web.keys import SERVICES
from provisioner.web.lines import CONTENT, each_told, send_lines
from provisioner.web.operation import FLAG, Operation, flag, number, unchanged
from provisioner.web.schemas import GuestOut, to_data
from provisioner.web.schemas_life import DisplayOut, NewClone, NewClones, RemovalOut, Unlock

_MOST_TAIL = 64 * 1024
_OVER = "the guest was switched off, or somebody else took its console"
_SOCKET = "a WebSocket; binary messages both ways"


async def console(request: web.Request, _body: None) -> object:
    life, name = request.app[SERVICES].life, request.match_info["name"]
    size = number(request, "tail", 0, _MOST_TAIL)
    force = flag(request, "force")
    said = await life.said(name, size) if size else b""
    return await channels.carry(request, lambda: life.console(name, force=force), over=_OVER, first=said)


async def screen(request: web.Request, _body: None) -> object:
    life, name = request.app[SERVICES].life, request.match_info["name"]
    return await channels.carry(request, lambda: life.screen(name), over="the guest was switched off")


async def serial_text(request: web.Request, _body: None) -> object:
    return await serial.follow(request, number(request, "tail", 4096, _MOST_TAIL))


async def screenshot(request: web.Request, _body: None) -> object:
    """One that shows what the last did is not sent again."""
    picture = await request.app[SERVICES].life.screenshot(request.match_info["name"])
    mark = sha256(picture).hexdigest()[:20]
    headers = {"Cache-Control": "no-store", "ETag": f'"{mark}"'}
    if unchanged(request, mark):
        return web.Response(status=304, headers=headers)
    return web.Response(body=picture, content_type="image/png", headers=headers)


async def display(request: web.Request, _body: None) -> object:
    return DisplayOut.of(await request.app[SERVICES].life.display(request.match_info["name"]))


async def unlock(request: web.Request, body: Unlock) -> object:
    life = request.app[SERVICES].life
    return DisplayOut.of(await life.unlock_display(request.match_info["name"], body.minutes))


async def clone(request: web.Request, body: NewClone) -> object:
    clones = request.app[SERVICES].clones
    linked = body.kind == "linked"
    return GuestOut.of(
        await clones.clone(request.match_info["name"], body.name, linked=linked, start=body.start)
    )


async def clone_each(request: web.Request, body: NewClones) -> object:
    """A line for each as it is done: `{"name": …, "guest": …}`, or `"error"`, `"remedy"` and `"status"`."""
    source, linked = request.match_info["name"], body.kind == "linked"
    making = request.app[SERVICES].clones.clone_each(source, body.names, linked=linked, start=body.start)
    told = each_told(making, lambda made: {"guest": to_data(GuestOut.of(made))}, f"cloning {source} to")
    return await send_lines(request, told, f"cloning {source}")


async def removal(request: web.Request, _body: None) -> object:
    return RemovalOut.of(await request.app[SERVICES].life.removal(request.match_info["name"]))


OPERATIONS = (
    switch("suspend", "Pause its processors", "is paused", lambda to, name: to.life.suspend(name)),
    switch("resume", "Let it go on", "goes on", lambda to, name: to.life.resume(name)),
    switch("reset", "Press its reset button", "was reset", lambda to, name: to.life.reset(name)),
    Operation(
        "GET",
        "/guests/{name}/console",
        f"Its serial console: {_SOCKET}",
        console,
        None,
        query={
            "force": f"{FLAG}: take it from whoever has it",
            "tail": "first, so many bytes of what it said before",
        },
        content="application/octet-stream",
    ),
    Operation(
        "GET",
        "/guests/{name}/serial",
        "What it writes to its serial line, as server-sent events of JSON texts",
        serial_text,
        None,
        query={"tail": "begin with so many bytes of what it said before, 4096 by default"},
        content="text/event-stream",
    ),
    Operation(
        "GET",
        "/guests/{name}/screenshot",
        "Its screen",
        screenshot,
        None,
        query={"at": "anything; a browser writes the time there, to be given a new picture"},
        content="image/png",
    ),
    Operation(
        "GET",
        "/guests/{name}/vnc",
        f"Its screen's VNC: {_SOCKET}",
        screen,
        None,
        content="application/octet-stream",
    ),
    Operation("GET", "/guests/{name}/display", "Where its screen listens", display, DisplayOut),
    Operation(
        "POST",
        "/guests/{name}/display",
        "Open its screen with a new password for a while",
        unlock,
        DisplayOut,
        takes=Unlock,
    ),
    Operation(
        "POST",
        "/guests/{name}/clone",
        "Make a guest like it",
        clone,
        GuestOut,
        takes=NewClone,
        status=201,
    ),
    Operation(
        "POST",
        "/guests/{name}/clones",
        "Make several guests like it; a JSON object a line",
        clone_each,
        None,
        takes=NewClones,
        content=CONTENT,
    ),
    Operation("GET", "/guests/{name}/removal", "What removing it takes away", removal, RemovalOut),
)
