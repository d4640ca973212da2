"""Whether the service lives (it answers) and is ready (its store and host answer)."""

from aiohttp import web

from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route


async def healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Raises what the store or host raises, so that the answer names what is missing."""
    services = request.app[SERVICES]
    await services.ready()
    return web.json_response({"status": "ready"})


ROUTES = (Route("GET", "/healthz", healthz, "public"), Route("GET", "/readyz", readyz, "public"))
