"""The lab at `/`. Its script keeps it fresh over `/events`."""

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web

from provisioner.web import board, timeline
from provisioner.web.html import page
from provisioner.web.keys import BOARD, SERVICES
from provisioner.web.routes import Route

SHOWN = 60


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


ROUTES = (Route("GET", "/", index, "person"),)
