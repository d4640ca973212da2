"""`/pools` and the volumes in them; contents stream through, whatever their size."""

from aiohttp import web

from provisioner.core.host import Pool
from provisioner.core.storage import Volume
from provisioner.web.keys import SERVICES
from provisioner.web.operation import FLAG, Operation, flag
from provisioner.web.schemas import Done
from provisioner.web.schemas_storage import NewPool, NewSize, NewVolume, PoolGone
from provisioner.web.streams import announced, pieces, send

_HOST = {"connect": "libvirt URI of the host; the configured one without it"}
_POOL, _VOLUME = "/pools/{pool}", "/pools/{pool}/volumes/{name}"


def _uri(request: web.Request) -> str:
    return request.query.get("connect", "")


def _names(request: web.Request) -> tuple[str, str]:
    return request.match_info["pool"], request.match_info["name"]


async def pools(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].storage.pools(_uri(request)))


async def create_pool(request: web.Request, body: NewPool) -> object:
    return await request.app[SERVICES].storage.create_pool(body.spec(), _uri(request))


async def show_pool(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].storage.pool(request.match_info["pool"], _uri(request))


async def start_pool(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].storage.start_pool(request.match_info["pool"], _uri(request))


async def refresh_pool(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].storage.refresh_pool(request.match_info["pool"], _uri(request))


async def delete_pool(request: web.Request, _body: None) -> object:
    name, files = request.match_info["pool"], flag(request, "delete_files")
    gone = await request.app[SERVICES].storage.delete_pool(name, files=files, uri=_uri(request))
    rest = f"and {len(gone)} volumes with it" if files else "its files stay"
    return PoolGone(done=f"pool {name} is forgotten, {rest}", volumes=list(gone))


async def volumes(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].storage.volumes(request.match_info["pool"], _uri(request)))


async def create_volume(request: web.Request, body: NewVolume) -> object:
    return await request.app[SERVICES].storage.create_volume(
        request.match_info["pool"],
        body.name,
        capacity=body.capacity,
        form=body.format,
        backing=body.backing,
        clone=body.clone,
        uri=_uri(request),
    )


async def show_volume(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].storage.volume(*_names(request), _uri(request))


async def resize_volume(request: web.Request, body: NewSize) -> object:
    return await request.app[SERVICES].storage.resize(*_names(request), body.capacity, _uri(request))


async def delete_volume(request: web.Request, _body: None) -> object:
    pool, name = _names(request)
    await request.app[SERVICES].storage.delete_volume(pool, name, _uri(request))
    return Done(done=f"volume {name} of pool {pool} is deleted")


async def upload(request: web.Request, _body: None) -> object:
    pool, name = _names(request)
    return await request.app[SERVICES].storage.upload(
        pool,
        name,
        announced(request),
        pieces(request),
        overwrite=flag(request, "overwrite"),
        uri=_uri(request),
    )


async def download(request: web.Request, _body: None) -> object:
    pool, name = _names(request)
    async with request.app[SERVICES].storage.content(pool, name, _uri(request)) as (size, content):
        return await send(request, size, content, name)


OPERATIONS = (
    Operation("GET", "/pools", "List the host's storage pools", pools, list[Pool], query=_HOST),
    Operation(
        "POST", "/pools", "Make and start a pool", create_pool, Pool, takes=NewPool, query=_HOST, status=201
    ),
    Operation("GET", _POOL, "Show a pool", show_pool, Pool, query=_HOST),
    Operation("POST", f"{_POOL}/start", "Start a pool", start_pool, Pool, query=_HOST),
    Operation("POST", f"{_POOL}/refresh", "Read what is in a pool again", refresh_pool, Pool, query=_HOST),
    Operation(
        "DELETE",
        _POOL,
        "Forget a pool; its files stay",
        delete_pool,
        PoolGone,
        query=_HOST | {"delete_files": f"{FLAG}: delete its volumes too"},
    ),
    Operation("GET", f"{_POOL}/volumes", "List a pool's volumes", volumes, list[Volume], query=_HOST),
    Operation(
        "POST",
        f"{_POOL}/volumes",
        "Make an empty volume, an overlay or a clone",
        create_volume,
        Volume,
        takes=NewVolume,
        query=_HOST,
        status=201,
    ),
    Operation("GET", _VOLUME, "Show a volume", show_volume, Volume, query=_HOST),
    Operation("DELETE", _VOLUME, "Delete a volume that nobody uses", delete_volume, Done, query=_HOST),
    Operation(
        "PUT", f"{_VOLUME}/size", "Make a volume larger", resize_volume, Volume, takes=NewSize, query=_HOST
    ),
    Operation(
        "PUT",
        f"{_VOLUME}/content",
        "Fill a volume with the body, which makes it",
        upload,
        Volume,
        query=_HOST | {"overwrite": f"{FLAG}: write into a raw volume that is there"},
        streams=True,
    ),
    Operation(
        "GET",
        f"{_VOLUME}/content",
        "Fetch what is in a volume",
        download,
        None,
        query=_HOST,
        content="application/octet-stream",
    ),
)
