"""The pages: the lab at `/`, one install at `/install/{ref}`. Scripts keep them fresh over `/events`."""

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web

from provisioner.core.errors import NotFound
from provisioner.core.install import Install, Kind
from provisioner.service.ports import Store
from provisioner.web import board, timeline
from provisioner.web.html import page
from provisioner.web.keys import BOARD, SERVICES
from provisioner.web.outlooks import told_one
from provisioner.web.routes import Route

SHOWN = 60
_LOG_LINES = 500
_NOT_LOG = frozenset(Kind) - {Kind.LOG}


async def index(request: web.Request) -> web.Response:
    """The lab as its address asks for it: what of it fits on a screen; the script fetches the rest."""
    now = request.app[SERVICES].clock()
    wanted = board.Wanted.of(request.query)
    known = await request.app[BOARD].get("")
    found = wanted.choose(known.members)
    view = request.query.get("view", "")
    return page(
        "index.html.j2",
        rows=[_row(member, now) for member in found[:SHOWN]],
        found=len(found),
        wanted=wanted,
        view=view if view in ("tiles", "list") else "",
        counts={"all": len(known.members), **_counts(known.members)},
        choices={word: _choices(known.members, word) for word in ("host", "lab", "profile")},
        after=known.after,
        now=timeline.iso(now),
    )


def _row(member: board.Member, now: datetime) -> dict[str, object]:
    run = timeline.fields(member.install, now) if member.install else None
    return {**board.fields(member), "rank": member.rank, "install": run}


def _counts(members: Sequence[board.Member]) -> dict[str, int]:
    return {rank: sum(member.rank == rank for member in members) for rank in board.RANKS}


def _choices(members: Sequence[board.Member], word: str) -> list[str]:
    return sorted({getattr(member, word) for member in members} - {""})


async def install(request: web.Request) -> web.Response:
    """One install: track, evidence, facts and the whole timeline."""
    services = request.app[SERVICES]
    now = services.clock()
    after = await services.store.last_event_id()
    found = await told_one(services, await services.store.install(request.match_info["ref"]))
    events = await timeline.read(services.store, found.id, kinds=_NOT_LOG)
    logged = await timeline.read(services.store, found.id, kinds={Kind.LOG}, keep=_LOG_LINES)
    together = sorted([*events, *logged], key=lambda event: event.id)
    return page(
        "install.html.j2",
        install=timeline.fields(found, now),
        steps=timeline.steps(found, events),
        events=timeline.fold(together, found.created, 2000),
        why=await _why(request, found),
        ours=await _ours(services.store, found),
        after=after,
        now=timeline.iso(now),
    )


async def _ours(store: Store, install: Install) -> bool:
    """Whether it is the latest of a guest of ours that is still there."""
    try:
        return (await store.guest(install.guest)).install == install.id
    except NotFound:
        return False


async def _why(request: web.Request, install: Install) -> dict[str, object] | None:
    """The explanation, where there is something to explain."""
    if install.stage.value == "installed":
        return None
    try:
        why = await request.app[SERVICES].installs.why(install.id)
    except NotFound:
        return None
    last = f"{why.last.kind.value}: {why.last.text}" if why.last else ""
    evidence = [f"{event.kind.value}: {event.text}" for event in why.evidence]
    return {
        "diagnosis": why.diagnosis,
        "last": last,
        "missing": why.missing,
        "cause": why.cause,
        "remedy": why.remedy,
        "evidence": evidence,
    }


ROUTES = (
    Route("GET", "/", index, "person"),
    Route("GET", "/install/{ref}", install, "person"),
)
