"""The page of machines that we did not create: what each is, when it was seen, and what it installs."""

from datetime import datetime

from aiohttp import web

from provisioner.core.install import Install
from provisioner.core.machine import Machine
from provisioner.web import timeline
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route

_INSTALLS = 1000


async def index(request: web.Request) -> web.Response:
    """Every machine that is no guest, those that were seen last first."""
    services = request.app[SERVICES]
    now = services.clock()
    latest: dict[str, Install] = {}
    for install in await services.store.installs(limit=_INSTALLS):
        latest.setdefault(install.mac, install)
    found = [machine for machine in await services.machines.list() if not machine.guest]
    found.sort(key=lambda machine: machine.last_seen.timestamp() if machine.last_seen else 0, reverse=True)
    return page(
        "machines.html.j2",
        machines=[_fields(machine, latest.get(machine.mac), now) for machine in found],
        discovered=sum(machine.discovered for machine in found),
        waiting=sum(machine.nameless for machine in found),
        now=timeline.iso(now),
    )


def _fields(machine: Machine, install: Install | None, now: datetime) -> dict[str, object]:
    return {
        "name": machine.name,
        "mac": machine.mac,
        "origin": "discovered" if machine.discovered else "added",
        "firmware": machine.firmware,
        "address": machine.address,
        "uuid": machine.uuid or "",
        "first_seen": _moment(machine.first_seen),
        "last_seen": _moment(machine.last_seen),
        "ago": _ago(machine.last_seen, now),
        "install": install.id if install else "",
        "stage": install.stage.value if install else "",
        "profile": install.profile if install else machine.profile or "",
        "nameless": machine.nameless,
    }


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{timeline.span((now - at).total_seconds())} ago" if at else "never"


ROUTES = (Route("GET", "/machines", index, "person"),)
