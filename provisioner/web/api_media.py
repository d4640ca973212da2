"""`/media`: ISO and disk images that guests are installed from."""

from aiohttp import web

from provisioner.core.media import MediaFile
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done
from provisioner.web.streams import announced, pieces


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].media.list())


async def show(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].media.resolve(request.match_info["name"])


async def add(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    return await request.app[SERVICES].media.add(name, pieces(request), announced(request))


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].media.remove(name)
    return Done(done=f"medium {name} is removed")


OPERATIONS = (
    Operation("GET", "/media", "List ISO and disk images", list_all, list[MediaFile]),
    Operation("GET", "/media/{name}", "Show a medium", show, MediaFile),
    Operation("PUT", "/media/{name}", "Add the body as a medium", add, MediaFile, status=201, streams=True),
    Operation("DELETE", "/media/{name}", "Remove a medium that was added", remove, Done),
)
