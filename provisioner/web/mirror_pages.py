"""The page of the mirror: what is kept of each tree, how its upstreams do, and its switches."""

from aiohttp import web

from provisioner.core.source import shown
from provisioner.service.mirror import TreeStatus
from provisioner.service.ports.mirror import Health
from provisioner.web.hosts import amount
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route
from provisioner.web.timeline import iso


async def index(request: web.Request) -> web.Response:
    """Every tree of a server, those first that need a look."""
    services = request.app[SERVICES]
    mirror = services.mirror.mirror
    found = [status for status in await mirror.status() if status.cached]
    found.sort(key=lambda status: (_state(status) != "down", status.tree.name))
    return page(
        "mirror.html.j2",
        trees=[_fields(status) for status in found],
        kept=amount(sum(status.kept.size for status in found) / 1024),
        saved=amount(sum(status.saved for status in found) / 1024),
        all_offline=mirror.all_offline,
        alarms=mirror.alarms(),
        now=iso(services.clock()),
    )


def _state(status: TreeStatus) -> str:
    if status.offline:
        return "offline"
    bad = [place for place in status.upstreams if place.state != "ok"]
    return "down" if bad and len(bad) == len(status.upstreams) else "online"


def _fields(status: TreeStatus) -> dict[str, object]:
    kept, sync = status.kept, status.sync
    asked = status.hits + status.misses
    notes = [f"Read from its archive: {status.archive}"] if status.archive else []
    facts = (
        ("Kept", f"{amount(kept.size / 1024)} in {kept.files} files" if kept.files else "nothing yet"),
        ("Limit", amount(status.tree.quota / 1024) if status.tree.quota else "none of its own"),
        (
            "From here",
            f"{100 * (status.hit_rate or 0):.0f} % of {asked} requests" if asked else "not asked yet",
        ),
        (
            "Saved",
            f"{amount(status.saved / 1024)} of {amount(status.served / 1024)}" if asked else "nothing yet",
        ),
    )
    return {
        "name": status.tree.name,
        "source": shown(status.tree.source),
        "state": _state(status),
        "offline": status.tree.offline,
        "pinned": status.tree.pinned,
        "facts": facts,
        "verified": round(100 * kept.verified / kept.files) if kept.files else 0,
        "unverified": kept.files - kept.verified,
        "files": kept.files,
        "sync": f"{sync.files} of {sync.of_files} files" if sync else "",
        "synced": round(100 * sync.files / sync.of_files) if sync and sync.of_files else 0,
        "places": [_place(place) for place in status.upstreams],
        "notes": [*notes, *status.notes],
    }


def _place(place: Health) -> dict[str, str]:
    word = {"ok": "answers", "aside": "set aside", "down": "down"}[place.state]
    return {"url": place.url, "state": place.state, "word": word, "reason": place.reason}


ROUTES = (Route("GET", "/mirror", index, "person"),)
