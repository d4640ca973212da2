"""`/mirror`: what is kept of trees, fetched ahead, checked, switched. Long ones tell how they go."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from provisioner.core.mirror import Checked
from provisioner.core.profile import Tree
from provisioner.core.source import shown
from provisioner.service.mirror_sync import SyncPlan
from provisioner.web.keys import SERVICES
from provisioner.web.lines import CONTENT, Line, send_lines
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, Switch, TextOut, to_data
from provisioner.web.schemas_mirror import (
    CheckedOut,
    CleanIn,
    Gone,
    MirroredTree,
    MirrorOut,
    QuotaIn,
    SyncIn,
    SyncOut,
    SyncPlanOut,
    VerifiedOut,
    VerifyIn,
)
from provisioner.web.services_mirror import MirrorCases

_TOLD_SECONDS = 0.2


async def show_all(request: web.Request, _body: None) -> object:
    mirror = _cases(request).mirror
    trees = [MirroredTree.of(status) for status in await mirror.status()]
    return MirrorOut(offline=mirror.all_offline, alarms=list(mirror.alarms()), trees=trees)


async def show(request: web.Request, _body: None) -> object:
    (status,) = await _cases(request).mirror.status(_tree(request))
    return MirroredTree.of(status)


async def plan(request: web.Request, body: SyncIn) -> object:
    _, found = await _planned(request, body)
    return SyncPlanOut.of(found)


async def sync(request: web.Request, body: SyncIn) -> object:
    """`{"plan": …}`, then `{"progress": …}` as it goes, then `{"synced": …}`."""
    return await send_lines(request, _synced(request, body), f"syncing tree {_tree(request)}")


async def _synced(request: web.Request, body: SyncIn) -> AsyncGenerator[Line]:
    syncs = _cases(request).mirror.syncs
    tree, found = await _planned(request, body)
    yield {"plan": to_data(SyncPlanOut.of(found))}
    if not body.wait:
        syncs.begin(tree, found)
        return
    async with aclosing(syncs.follow(tree, found)) as progress:
        async for now in progress:
            yield {"synced" if now.over else "progress": to_data(SyncOut.of(now))}


async def _planned(request: web.Request, body: SyncIn) -> tuple[Tree, SyncPlan]:
    return await _cases(request).mirror.plan(_tree(request), full=body.full, profile=body.profile)


async def stop(request: web.Request, _body: None) -> object:
    await _cases(request).mirror.syncs.stop(_tree(request))
    return Done(done=f"the sync of tree {_tree(request)} is stopped; what it fetched is kept")


async def verify(request: web.Request, body: VerifyIn) -> object:
    """`{"file": …}` for each that is not sound, `{"read": …}` now and then, then the sum."""
    return await send_lines(
        request, _verified(request, body), f"checking what is kept of {body.tree or 'all'}"
    )


async def _verified(request: web.Request, body: VerifyIn) -> AsyncGenerator[Line]:
    mirror = _cases(request).mirror
    found = mirror.repair(body.tree) if body.repair else mirror.verify(body.tree)
    files = size = 0
    told = time.monotonic()
    async with aclosing(found):
        async for item in found:
            if not isinstance(item, Checked):
                yield {"verified": to_data(VerifiedOut.of(item))}
                continue
            files, size = files + 1, size + item.size
            if item.verdict != "sound":
                yield {"file": to_data(CheckedOut.of(item))}
            if time.monotonic() - told >= _TOLD_SECONDS:
                told = time.monotonic()
                yield {"read": {"files": files, "size": size}}


async def offline(request: web.Request, body: Switch) -> object:
    tree = await _cases(request).mirror.offline(_tree(request), body.on)
    word = "offline: it is served from what is kept" if body.on else f"read from {shown(tree.source)} again"
    return Done(done=f"tree {tree.name} is {word}")


async def offline_all(request: web.Request, body: Switch) -> object:
    await _cases(request).mirror.offline_all(body.on)
    return Done(
        done="every tree is served from what is kept; no upstream is asked"
        if body.on
        else "upstreams are asked again"
    )


async def pin(request: web.Request, body: Switch) -> object:
    tree = await _cases(request).mirror.pin(_tree(request), body.on)
    return Done(
        done=f"what is kept of tree {tree.name} " + ("stays" if body.on else "may make room for others")
    )


async def quota(request: web.Request, body: QuotaIn) -> object:
    tree = await _cases(request).mirror.quota(_tree(request), body.size)
    limit = f"at most {tree.quota} bytes are kept" if tree.quota else "as much is kept as there is room for"
    return Done(done=f"of tree {tree.name} {limit}")


async def clean(request: web.Request, body: CleanIn) -> object:
    files, size = await _cases(request).mirror.clean(_tree(request), body.days)
    return Gone(files=files, size=size)


async def drop(request: web.Request, _body: None) -> object:
    gone = await _cases(request).mirror.drop(_tree(request))
    return Gone(files=gone.files, size=gone.size)


async def snippet(request: web.Request, _body: None) -> object:
    form, address = request.query.get("format", ""), request.query.get("address", "")
    return TextOut(text=await _cases(request).snippets.snippet(_tree(request), form, address))


def _cases(request: web.Request) -> MirrorCases:
    return request.app[SERVICES].mirror


def _tree(request: web.Request) -> str:
    return request.match_info["tree"]


_LINES = "; a JSON object a line"
OPERATIONS = (
    Operation("GET", "/mirror", "What is kept of every tree", show_all, MirrorOut),
    Operation(
        "PUT", "/mirror/offline", "Ask no upstream for any tree, or again", offline_all, Done, takes=Switch
    ),
    Operation(
        "POST",
        "/mirror/verify",
        f"Read every kept file and check it{_LINES}",
        verify,
        None,
        takes=VerifyIn,
        content=CONTENT,
    ),
    Operation("GET", "/mirror/{tree}", "What is kept of a tree", show, MirroredTree),
    Operation("POST", "/mirror/{tree}/plan", "What a sync would fetch", plan, SyncPlanOut, takes=SyncIn),
    Operation(
        "POST",
        "/mirror/{tree}/sync",
        f"Fetch a tree ahead{_LINES}",
        sync,
        None,
        takes=SyncIn,
        content=CONTENT,
    ),
    Operation("DELETE", "/mirror/{tree}/sync", "Stop a sync; what it fetched is kept", stop, Done),
    Operation("PUT", "/mirror/{tree}/offline", "Ask no upstream, or again", offline, Done, takes=Switch),
    Operation("PUT", "/mirror/{tree}/pinned", "Keep it when room is needed, or not", pin, Done, takes=Switch),
    Operation(
        "PUT", "/mirror/{tree}/quota", "The most bytes that are kept of it", quota, Done, takes=QuotaIn
    ),
    Operation("POST", "/mirror/{tree}/clean", "Remove what is no more asked for", clean, Gone, takes=CleanIn),
    Operation("DELETE", "/mirror/{tree}/files", "Remove all that is kept of it", drop, Gone),
    Operation(
        "GET",
        "/mirror/{tree}/snippet",
        "Configuration of a system that gets its packages through the mirror",
        snippet,
        TextOut,
        query={"format": "dnf, apt, zypper; empty: as the tree", "address": "ours; empty: the known one"},
    ),
)
