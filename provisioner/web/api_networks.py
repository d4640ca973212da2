"""`/networks`: a host's networks, the check whether guests there can netboot, and its repairs."""

import asyncio

from aiohttp import web

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.network import REPAIRS, RepairKind
from provisioner.service.checks import Checked
from provisioner.service.wishes import Wish
from provisioner.web.keys import SERVICES
from provisioner.web.operation import FLAG, Operation, Reply, flag
from provisioner.web.schemas import Done, Switch, TextOut, XmlOut
from provisioner.web.schemas_networks import (
    CheckOut,
    NetworkOut,
    NetworkShown,
    NewNetwork,
    RepairOut,
    WishIn,
)
from provisioner.web.services import NetworkCases

_URI = {"connect": "libvirt URI; empty for the configured one"}
_FOLLOW_SECONDS = 1.2
"""In which netboot and the guests' HTTP have followed a repair."""
_LOOKS = 3


async def list_all(request: web.Request, _body: None) -> object:
    return [NetworkOut.of(network) for network in await _cases(request).networks.list(_uri(request))]


async def create(request: web.Request, body: NewNetwork) -> object:
    networks, spec = _cases(request).networks, body.spec()
    if flag(request, "dry_run"):
        return Reply(XmlOut(xml=await networks.plan(spec, _uri(request))), 200)
    return NetworkOut.of(await networks.create(spec, _uri(request)))


async def show(request: web.Request, _body: None) -> object:
    return NetworkShown.shown(await _cases(request).networks.show(_name(request), _uri(request)))


async def xml(request: web.Request, _body: None) -> object:
    return XmlOut(xml=await _cases(request).networks.xml(_name(request), _uri(request)))


async def start(request: web.Request, _body: None) -> object:
    await _cases(request).networks.start(_name(request), _uri(request))
    return Done(done=f"network {_name(request)} is active")


async def stop(request: web.Request, _body: None) -> object:
    await _cases(request).networks.stop(_name(request), _uri(request), force=flag(request, "force"))
    return Done(done=f"network {_name(request)} is stopped")


async def autostart(request: web.Request, body: Switch) -> object:
    await _cases(request).networks.autostart(_name(request), body.on, _uri(request))
    return Done(done=f"network {_name(request)} is {'' if body.on else 'not '}started with the host")


async def delete(request: web.Request, _body: None) -> object:
    await _cases(request).networks.delete(
        _name(request), _uri(request), foreign=flag(request, "foreign"), force=flag(request, "force")
    )
    return Done(done=f"network {_name(request)} is removed")


async def check(request: web.Request, _body: None) -> object:
    ask = not flag(request, "quick")
    return CheckOut.of(await _cases(request).checks.check(_name(request), _uri(request), ask=ask), [])


async def repair(request: web.Request, body: WishIn) -> object:
    """Makes the repair that is asked for, or those that the verdicts name; then looks again."""
    cases, word, uri = _cases(request), _name(request), _uri(request)
    kinds = [body.kind] if body.kind else _wanted(await cases.checks.check(word, uri), body)
    done = []
    for kind in kinds:
        made = await cases.repairs.repair(word, Wish(kind, body.range, body.address, body.force), uri)
        done.append(f"{made.kind} on {made.interface}")
    return CheckOut.of(await _settled(cases, word, uri), done)


async def undo(request: web.Request, _body: None) -> object:
    text = request.query.get("kind", "")
    kind: RepairKind | None = next((known for known in REPAIRS if known == text), None)
    if text and kind is None:
        raise Invalid(f"repair {text[:40]!r} is not known; known are {', '.join(REPAIRS)}")
    undone = await _cases(request).repairs.undo(
        _name(request), kind, _uri(request), force=flag(request, "force")
    )
    await asyncio.sleep(_FOLLOW_SECONDS)
    return Done(done="taken back: " + ", ".join(f"{item.kind} on {item.interface}" for item in undone))


async def repairs(request: web.Request, _body: None) -> object:
    return [RepairOut.of(item) for item in await _cases(request).repairs.list()]


async def snippet(request: web.Request, _body: None) -> object:
    text = await _cases(request).snippets.snippet(
        request.match_info["server"], request.query.get("network", ""), _uri(request)
    )
    return TextOut(text=text)


def _wanted(checked: Checked, body: WishIn) -> list[RepairKind]:
    """What the verdicts name first, each once. Raises Conflict where none of them can be repaired by us."""
    kinds = list(dict.fromkeys(item.repairs[0] for item in checked.verdicts if item.repairs))
    if not kinds and not checked.good:
        first = checked.verdicts[0]
        raise Conflict(f"{first.sentence}: that is not ours to repair", remedy=first.remedy)
    if "addresses" in kinds and not body.range:
        raise Invalid(
            f"nobody gives addresses on {checked.what}: which ones may be lent by us?",
            remedy="say it: --range FIRST,LAST",
        )
    return kinds


async def _settled(cases: NetworkCases, word: str, uri: str) -> Checked:
    """The check once netboot has followed."""
    for _ in range(_LOOKS):
        await asyncio.sleep(_FOLLOW_SECONDS)
        checked = await cases.checks.check(word, uri)
        if not any(item.kind == "silent" for item in checked.verdicts):
            break
    return checked


def _cases(request: web.Request) -> NetworkCases:
    return request.app[SERVICES].networks


def _name(request: web.Request) -> str:
    return request.match_info["name"]


def _uri(request: web.Request) -> str:
    return request.query.get("connect", "")


_FORCE = {"force": FLAG}
OPERATIONS = (
    Operation("GET", "/networks", "List the host's networks", list_all, list[NetworkOut], query=_URI),
    Operation(
        "POST",
        "/networks",
        "Make and start a network; with dry_run its XML alone",
        create,
        NetworkOut,
        takes=NewNetwork,
        query={"dry_run": FLAG, **_URI},
        status=201,
        gives_too={200: XmlOut},
    ),
    Operation("GET", "/networks/{name}", "Show a network and its leases", show, NetworkShown, query=_URI),
    Operation("GET", "/networks/{name}/xml", "Its XML as libvirt keeps it", xml, XmlOut, query=_URI),
    Operation("POST", "/networks/{name}/start", "Start a network", start, Done, query=_URI),
    Operation("POST", "/networks/{name}/stop", "Stop a network", stop, Done, query={**_FORCE, **_URI}),
    Operation(
        "PUT",
        "/networks/{name}/autostart",
        "Start it with the host, or not",
        autostart,
        Done,
        takes=Switch,
        query=_URI,
    ),
    Operation(
        "DELETE",
        "/networks/{name}",
        "Remove a network; one that is not ours only with foreign",
        delete,
        Done,
        query={"foreign": FLAG, **_FORCE, **_URI},
    ),
    Operation(
        "GET",
        "/networks/{name}/check",
        "Can guests there netboot; name may be bridge=… or type=direct,source=…",
        check,
        CheckOut,
        query={"quick": FLAG, **_URI},
    ),
    Operation(
        "POST", "/networks/{name}/repair", "Make them netboot", repair, CheckOut, takes=WishIn, query=_URI
    ),
    Operation(
        "DELETE",
        "/networks/{name}/repair",
        "Take repairs back",
        undo,
        Done,
        query={"kind": "one of " + ", ".join(REPAIRS), **_FORCE, **_URI},
    ),
    Operation("GET", "/repairs", "List the repairs in force", repairs, list[RepairOut]),
    Operation(
        "GET",
        "/snippets/{server}",
        "What the site's own DHCP needs: dnsmasq, isc or kea",
        snippet,
        TextOut,
        query={"network": "a network, bridge=… or type=direct,source=…", **_URI},
    ),
)
