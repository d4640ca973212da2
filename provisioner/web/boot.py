"""`/boot`: the public stub, a machine's own script behind its token, and loaders for HTTP Boot."""

from aiohttp import web

from provisioner.boot.client import Ignore
from provisioner.boot.loader import canonical, is_optional, sent
from provisioner.core.errors import NotFound
from provisioner.core.install import Install, Kind
from provisioner.web.keys import LEDGER, SERVICES
from provisioner.web.place import peer, root, shared
from provisioner.web.routes import Route

_UNKEPT = {"Cache-Control": "no-store"}


async def stub(request: web.Request) -> web.Response:
    """The script that anybody may read."""
    return _script(request.app[SERVICES].booting.stub(root(request)))


async def script(request: web.Request) -> web.Response:
    """The machine's own script; the use case decides who may have it, and notes it."""
    if request.method == "HEAD":
        raise web.HTTPMethodNotAllowed("HEAD", ("GET",))
    text = await request.app[SERVICES].booting.machine_script(
        root(request),
        request.match_info["token"],
        request.query.get("mac", ""),
        request.query.get("uuid", ""),
        peer(request),
        request.query.get("arch", ""),
    )
    request.app[LEDGER].greet(peer(request))
    return _script(text)


async def loader(request: web.Request) -> web.StreamResponse:
    """A first loader, looked up by name, under the verdict that DHCP and TFTP give the same machine."""
    name = canonical(request.match_info["loader"])
    content = await request.app[SERVICES].booting.loader(name, peer(request), root(request))
    if isinstance(content, Ignore):
        raise NotFound(content.reason)
    install = await _owner(request)
    note = request.app[LEDGER].tell
    if content is None:
        if install is not None and not is_optional(name):
            await note(Kind.LOADER_FAILED, install, f"there is no loader {name[:100]!r} here")
        raise NotFound(f"there is no loader {name[:100]!r} here")
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    response.content_length = len(content)
    await response.prepare(request)
    if request.method != "HEAD":
        await response.write(memoryview(content))
        await response.write_eof()
        if install is not None:
            await note(sent(name), install, f"{name} by HTTP", {"file": name, "bytes": len(content)})
    return response


async def _owner(request: web.Request) -> Install | None:
    """The running install of the machine behind the address: HTTP Boot asks before any token was shown."""
    services, address = request.app[SERVICES], peer(request)
    mac = services.neighbour(address)
    if mac is None:
        return await request.app[LEDGER].owner(address, shared=shared(request))
    install = await services.store.install_of(mac=mac)
    return install if install is not None and not install.over else None


def _script(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/plain", charset="utf-8", headers=_UNKEPT)


ROUTES = (
    Route("GET", "/boot/ipxe", stub, "public"),
    # A machine that we did not make has any serial at all, or none.
    Route("GET", "/boot/script/{token:.*}", script, "token"),
    Route("GET", "/boot/{loader:.+}", loader, "public"),
    # GRUB looks below the prefix that it was built with, wherever it came from itself.
    Route("GET", r"/{loader:(?:.+/)?grub\.cfg}", loader, "public"),
)
