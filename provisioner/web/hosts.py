"""The pages of hosts: all at `/hosts`; one at `/hosts/{name}` with its overview, networks and storage."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from provisioner.core.errors import Unavailable
from provisioner.core.host import LOCAL, HostFacts, Network, NodeInfo, Pool
from provisioner.core.readings import Check
from provisioner.service.hosts import Busy, HostState
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route
from provisioner.web.schemas_hosts import LoadOut
from provisioner.web.timeline import iso

TABS = (("", "Overview"), ("/networks", "Virtual networks"), ("/storage", "Storage"))
_LOAD_SECONDS = 2.0
_NOT_PASSED = ("FAIL", "WARN", "unknown")


async def index(request: web.Request) -> web.Response:
    """Every host, whether it answers, and how busy it is."""
    services = request.app[SERVICES]
    states = await services.hosts.states()
    loads = await asyncio.gather(*(_load(request, state) for state in states))
    rows = [{**_state(state), "load": load} for state, load in zip(states, loads, strict=True)]
    return page("hosts.html.j2", place="hosts", rows=rows, now=iso(services.clock()))


async def overview(request: web.Request) -> web.Response:
    """What the host is, what it can give, how busy it is, and what it lacks."""
    services = request.app[SERVICES]
    state = await services.hosts.state(request.match_info["name"])
    name, node, facts = state.host.name, list[tuple[str, object]](), list[tuple[str, object]]()
    checks: Sequence[Check] = ()
    load = await _load(request, state)
    if state.up:
        try:
            state, known = await services.hosts.show(name)
            checks = await services.hosts.check(name)
            node, facts = _node(known.node), _facts(known)
        except Unavailable as error:
            state = HostState(state.host, up=False, reason=str(error))
    wanting = sorted(
        (check for check in checks if check.verdict != "PASS"),
        key=lambda check: _NOT_PASSED.index(check.verdict),
    )
    return _page(
        request,
        "host.html.j2",
        state,
        "",
        load=load,
        node=node,
        facts=facts,
        wanting=[asdict(check) for check in wanting],
        passed=[asdict(check) for check in checks if check.verdict == "PASS"],
    )


async def networks(request: web.Request) -> web.Response:
    """The host's virtual networks."""
    hosts = request.app[SERVICES].hosts
    state = await hosts.state(request.match_info["name"])
    found: Sequence[Network] = await hosts.networks(state.host.name) if state.up else ()
    networks = [_network(network) for network in found]
    return _page(request, "host_networks.html.j2", state, "/networks", networks=networks)


async def storage(request: web.Request) -> web.Response:
    """The host's storage pools."""
    hosts = request.app[SERVICES].hosts
    state = await hosts.state(request.match_info["name"])
    found: Sequence[Pool] = await hosts.pools(state.host.name) if state.up else ()
    pools = [_pool(pool) for pool in found]
    return _page(request, "host_storage.html.j2", state, "/storage", pools=pools)


def amount(kibibytes: float) -> str:
    """Memory and storage as the pages write them: `812 MiB`, `23.5 GiB`. `format.js` writes the same."""
    mebibytes = kibibytes / 1024
    if mebibytes < 1024:
        return f"{mebibytes:.0f} MiB"
    gibibytes = mebibytes / 1024
    return f"{gibibytes:.1f} GiB" if gibibytes < 1024 else f"{gibibytes / 1024:.1f} TiB"


def _page(request: web.Request, template: str, state: HostState, tab: str, **values: Any) -> web.Response:
    root = f"/hosts/{state.host.name}"
    tabs = [{"path": root + path, "name": name, "here": path == tab} for path, name in TABS]
    now = iso(request.app[SERVICES].clock())
    query = "" if state.host.name == LOCAL else "?" + urlencode({"connect": state.host.uri})
    return page(
        template,
        place="hosts",
        host=_state(state),
        tabs=tabs,
        now=now,
        query=query,
        changes=bool(tab),
        **values,
    )


def _state(state: HostState) -> dict[str, object]:
    return {
        "name": state.host.name,
        "uri": state.host.uri,
        "state": "up" if state.up else "down",
        "reason": state.reason,
    }


async def _load(request: web.Request, state: HostState) -> dict[str, object]:
    """As the templates print it; empty texts for a host that is down."""
    busy: Busy | None = None
    if state.up:
        with contextlib.suppress(Unavailable, TimeoutError):  # it is seen to be down a little later
            async with asyncio.timeout(_LOAD_SECONDS):
                busy = await request.app[SERVICES].hosts.load(state.host.name)
    if busy is None:
        return {"cpu": 0, "cpu_text": "", "memory": 0, "memory_text": "", "guests": ""}
    load = LoadOut.of(busy)
    known = load.used is not None and load.memory
    return {
        "cpu": load.cpu,
        "cpu_text": f"{load.cpu:.0f} %",
        "memory": round(100 * (load.used or 0) / load.memory) if known else 0,
        "memory_text": f"{amount(load.used or 0)} of {amount(load.memory)}" if known else amount(load.memory),
        "guests": f"{load.running} running, {load.vcpus} vCPUs, {amount(load.lent)}",
    }


def _node(node: NodeInfo | None) -> list[tuple[str, object]]:
    """In the words of `virsh nodeinfo`."""
    if node is None:
        return []
    return [
        ("CPU model", node.model),
        ("CPU(s)", node.cpus),
        ("CPU frequency", f"{node.mhz} MHz"),
        ("CPU socket(s)", node.sockets),
        ("Core(s) per socket", node.cores),
        ("Thread(s) per core", node.threads),
        ("NUMA cell(s)", node.cells),
        ("Memory size", f"{node.memory} KiB"),
    ]


def _facts(facts: HostFacts) -> list[tuple[str, object]]:
    return [
        ("Guests run by", "KVM" if facts.virt_type == "kvm" else "emulation"),
        ("Machine type", f"{facts.machine} ({facts.arch})"),
        ("vCPUs per guest", f"at most {facts.max_vcpus}"),
        ("Firmware", ", ".join(facts.firmwares)),
        ("Secure Boot", "yes" if facts.secure_boot else "no"),
        ("Disk buses", ", ".join(facts.disk_buses) or "not told"),
        ("Graphics", ", ".join(facts.graphics) or "not told"),
        ("Emulator", facts.emulator or "none"),
    ]


def _network(network: Network) -> dict[str, object]:
    where = network.bridge or ", ".join(network.parents)
    facts = (
        ("Mode", network.mode),
        ("Bridge" if network.bridge else "Device", where or "none"),
        ("Address", ", ".join(network.addresses) or "none"),
        ("DHCP", "gives addresses" if network.dhcp else "none"),
        ("Boot file", network.bootp or "none"),
        ("Autostart", "yes" if network.autostart else "no"),
    )
    return {
        "name": network.name,
        "state": "active" if network.active else "inactive",
        "autostart": network.autostart,
        "path": f"/networks/{quote(network.name, safe='')}",
        "facts": facts,
    }


def _pool(pool: Pool) -> dict[str, object]:
    used = 100 * (pool.capacity - pool.available) / pool.capacity if pool.capacity else 0
    facts = (
        ("Capacity", amount(pool.capacity / 1024) if pool.capacity else "not known"),
        ("Free", amount(pool.available / 1024) if pool.capacity else "not known"),
        ("Autostart", "yes" if pool.autostart else "no"),
        ("Location", pool.path or "none"),
    )
    return {
        "name": pool.name,
        "state": "active" if pool.active else "inactive",
        "used": round(used),
        "path": f"/pools/{quote(pool.name, safe='')}",
        "facts": facts,
    }


ROUTES = (
    Route("GET", "/hosts", index, "person"),
    Route("GET", "/hosts/{name}", overview, "person"),
    Route("GET", "/hosts/{name}/networks", networks, "person"),
    Route("GET", "/hosts/{name}/storage", storage, "person"),
)
