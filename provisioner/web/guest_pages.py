"""The pages of guests: one at `/guests/{name}`, its screen at `…/screen`; all are on the lab's page.

The screen is drawn by noVNC, which is the distribution's package: its modules are served from where that
package put them, and nothing of it is shipped here.
"""

import asyncio
from datetime import datetime
from pathlib import Path

from aiohttp import web

from provisioner.core.errors import NotFound
from provisioner.core.guest import Nic
from provisioner.service.ports import GuestRow, Store
from provisioner.service.requests import Guest
from provisioner.web import timeline
from provisioner.web.files import TreeFile, locate
from provisioner.web.headers import policy
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route

NOVNC = (Path("/usr/share/novnc"), Path("/usr/share/webapps/novnc"), Path("/usr/share/noVNC"))
"""Where distributions put noVNC."""
_RUNS, _LOOKED_THROUGH = 10, 1000
_PARTS = ("core/", "vendor/")


async def all_guests(_request: web.Request) -> web.Response:
    """They are on the lab's page."""
    return web.Response(status=303, headers={"Location": "/"})


async def one(request: web.Request) -> web.Response:
    """One guest: its screen, what its serial line says, its facts, its installs."""
    services = request.app[SERVICES]
    guest = await _ours(request)
    row = await _row(services.store, guest.name)
    return page(
        "guest.html.j2",
        guest=_fields(guest),
        disks=_disks(row) if row else [],
        nics=[_nic(nic) for nic in row.spec.nics] if row else [],
        made=_made(row) if row else [],
        snapshot=await _snapshot(request, guest.name),
        runs=await _runs(services.store, guest.name, services.clock()),
        now=timeline.iso(services.clock()),
    )


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


async def _row(store: Store, name: str) -> GuestRow | None:
    try:
        return await store.guest(name)
    except NotFound:
        return None


async def _runs(store: Store, name: str, now: datetime) -> list[dict[str, object]]:
    """Its latest installs, the newest first."""
    found = [install for install in await store.installs(limit=_LOOKED_THROUGH) if install.guest == name]
    found.sort(key=lambda install: install.created, reverse=True)
    return [timeline.fields(install, now) for install in found[:_RUNS]]


async def _snapshot(request: web.Request, name: str) -> dict[str, str] | None:
    """The guest as it was kept, where it was."""
    for found in await request.app[SERVICES].snapshots.every():
        if found.guest == name:
            return {"state": found.state, "taken": f"{found.taken:%Y-%m-%d %H:%M:%S} UTC"}
    return None


def _disks(row: GuestRow) -> list[dict[str, str]]:
    """The system disk first."""
    names = [row.volume, *row.holdings.data]
    return [
        {
            "volume": disk.volume or name,
            "pool": disk.pool,
            "size": f"{disk.size:g} GiB" if disk.size else "as it was",
            "more": ", ".join(filter(None, (disk.format, disk.bus, "linked" if disk.linked else ""))),
        }
        for disk, name in zip(row.spec.disks, [*names, *[""] * len(row.spec.disks)], strict=False)
    ]


def _nic(nic: Nic) -> dict[str, str]:
    place = "QEMU's own network" if nic.kind == "user" else f"{nic.kind} {nic.source}"
    return {"mac": nic.mac, "place": place, "model": nic.model}


def _made(row: GuestRow) -> list[tuple[str, str]]:
    """How it was asked for."""
    spec = row.spec
    firmware = {"bios": "BIOS", "uefi": "UEFI"}[spec.boot] + (", Secure Boot" if spec.secure else "")
    facts = [("Method", spec.method), ("Firmware", firmware), ("Host", row.uri or "local")]
    return facts + [("Kernel arguments", spec.extra_args)] * bool(spec.extra_args)


ROUTES = (
    Route("GET", "/guests", all_guests, "person"),
    Route("GET", "/guests/{name}", one, "person"),
    Route("GET", "/guests/{name}/screen", screen, "person"),
    Route("GET", "/novnc/{path:.+}", novnc, "person"),
)
