"""`/hosts`: libvirt connections by name, what they are and have, and whether they can carry guests."""

from aiohttp import web

from provisioner.core.host import Network, Pool
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done
from provisioner.web.schemas_hosts import CheckOut, ComparisonOut, HostOut, HostShown, LoadOut, NewHost


async def list_all(request: web.Request, _body: None) -> object:
    return [HostOut.of(state) for state in await request.app[SERVICES].hosts.states()]


async def add(request: web.Request, body: NewHost) -> object:
    hosts = request.app[SERVICES].hosts
    return HostOut.of(await hosts.add(body.name, body.uri, allow_unsafe=body.allow_unsafe))


async def show(request: web.Request, _body: None) -> object:
    return HostShown.shown(*await request.app[SERVICES].hosts.show(request.match_info["name"]))


async def load(request: web.Request, _body: None) -> object:
    return LoadOut.of(await request.app[SERVICES].hosts.load(request.match_info["name"]))


async def check(request: web.Request, _body: None) -> object:
    return [CheckOut.of(row) for row in await request.app[SERVICES].hosts.check(request.match_info["name"])]


async def compare(request: web.Request, _body: None) -> object:
    rows = await request.app[SERVICES].hosts.compare(request.match_info["name"])
    return [ComparisonOut.of(row) for row in rows]


async def networks(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].hosts.networks(request.match_info["name"]))


async def pools(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].hosts.pools(request.match_info["name"]))


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].hosts.remove(name)
    return Done(done=f"host {name} is forgotten")


OPERATIONS = (
    Operation("GET", "/hosts", "List hosts and whether they answer", list_all, list[HostOut]),
    Operation("POST", "/hosts", "Make a host known", add, HostOut, takes=NewHost, status=201),
    Operation("GET", "/hosts/{name}", "Show a host: node info and what it can give guests", show, HostShown),
    Operation("GET", "/hosts/{name}/load", "Its CPU and memory, now", load, LoadOut),
    Operation("GET", "/hosts/{name}/check", "Whether it can carry guests", check, list[CheckOut]),
    Operation(
        "GET",
        "/hosts/{name}/compare",
        "The check beside virt-host-validate",
        compare,
        list[ComparisonOut],
    ),
    Operation("GET", "/hosts/{name}/networks", "Its networks", networks, list[Network]),
    Operation("GET", "/hosts/{name}/pools", "Its storage pools", pools, list[Pool]),
    Operation("DELETE", "/hosts/{name}", "Forget a host; nothing on it changes", remove, Done),
)
