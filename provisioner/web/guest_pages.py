"""The pages of guests: one at `/guests/{name}`, its screen at `…/screen`; all are on the lab's page.

The screen is drawn by noVNC, which is the distribution's package: its modules are served from where that
package put them, and nothing of it is shipped here.
"""

import asyncio
from pathlib import Path

from aiohttp import web

from provisioner.core.errors import NotFound
from provisioner.service.requests import Guest
from provisioner.web import timeline
from provisioner.web.files import TreeFile, locate
from provisioner.web.headers import policy
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route

NOVNC = (Path("/usr/share/novnc"), Path("/usr/share/webapps/novnc"), Path("/usr/share/noVNC"))
"""Where distributions put noVNC."""
_PARTS = ("core/", "vendor/")


async def all_guests(_request: web.Request) -> web.Response:
    """They are on the lab's page."""
    return web.Response(status=303, headers={"Location": "/"})


async def one(request: web.Request) -> web.Response:
    """One guest: its screen, what its serial line says, its facts."""
    services = request.app[SERVICES]
    guest = await _ours(request)
    return page("guest.html.j2", guest=_fields(guest), now=timeline.iso(services.clock()))


async def screen(request: web.Request) -> web.Response:
    """A guest's screen to look at and to type into."""
    guest = await _ours(request)
    response = page(
        "screen.html.j2", guest=_fields(guest), viewer=await asyncio.to_thread(_novnc) is not None
    )
    # noVNC hands pictures that the guest's VNC server packed as JPEG or PNG to the browser as data URLs.
    response.headers["Content-Security-Policy"] = policy(images="'self' data:")
    return response


async def novnc(request: web.Request) -> web.StreamResponse:
    """A module of noVNC."""
    path = request.match_info["path"]
    folder = await asyncio.to_thread(_novnc)
    found = None
    if folder is not None and path.startswith(_PARTS) and path.endswith(".js"):
        found = await asyncio.to_thread(locate, folder, path)
    if found is None:
        raise web.HTTPNotFound
    response = TreeFile(found)
    response.headers["Cache-Control"] = "no-cache"
    return response


async def _ours(request: web.Request) -> Guest:
    name = request.match_info["name"]
    guest = await request.app[SERVICES].guests.show(name)
    if not guest.ours:
        raise NotFound(f"no guest of ours is called {name!r}", remedy="provisioner guest list")
    return guest


def _novnc() -> Path | None:
    return next((folder for folder in NOVNC if (folder / "core" / "rfb.js").is_file()), None)


def _fields(guest: Guest) -> dict[str, object]:
    """What the templates print of a guest."""
    install = guest.install
    seen = guest.address.ip if guest.address else install.address if install else ""
    return {
        "name": guest.name,
        "state": guest.state,
        "profile": guest.profile,
        "screen": guest.screen,
        "address": seen,
        "ssh": guest.ssh or "",
        "mac": guest.mac,
        "uuid": guest.uuid,
        "memory": f"{guest.memory} MiB",
        "vcpus": guest.vcpus,
        "autostart": "yes" if guest.autostart else "no",
        "install": install.id if install else "",
        "stage": install.stage.value if install else "",
    }


ROUTES = (
    Route("GET", "/guests", all_guests, "person"),
    Route("GET", "/guests/{name}", one, "person"),
    Route("GET", "/guests/{name}/screen", screen, "person"),
    Route("GET", "/novnc/{path:.+}", novnc, "person"),
)
