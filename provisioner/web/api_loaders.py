"""`/loaders`: the first programs that firmware is given."""

from aiohttp import web
from pydantic import TypeAdapter

from provisioner.core.errors import Invalid
from provisioner.core.loaders import LoaderFile
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import ADAPTERS, Done
from provisioner.web.streams import announced, pieces

ADAPTERS[LoaderFile] = TypeAdapter(LoaderFile)


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].loaders.list())


async def add(request: web.Request, _body: None) -> object:
    firmware = request.query.get("firmware", "")
    if not firmware:
        raise Invalid(
            "which firmware the loader is for is not said", remedy="add ?firmware=uefi, for example"
        )
    name = request.match_info["name"]
    return await request.app[SERVICES].loaders.add(name, firmware, pieces(request), announced(request))


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].loaders.remove(name)
    return Done(done=f"loader {name} is removed")


OPERATIONS = (
    Operation(
        "GET", "/loaders", "List what firmware may be given, and what is missing", list_all, list[LoaderFile]
    ),
    Operation(
        "PUT",
        "/loaders/{name}",
        "Add the body as a loader",
        add,
        LoaderFile,
        query={"firmware": "a firmware, such as uefi"},
        status=201,
        streams=True,
    ),
    Operation("DELETE", "/loaders/{name}", "Remove a loader that was added", remove, Done),
)
