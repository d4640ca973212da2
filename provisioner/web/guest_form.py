"""The form for new guests at `/guests/new`: what there is to choose from.

`newguest.js` has it judged while one types.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.host import LOCAL, HostFacts
from provisioner.core.profile import Profile
from provisioner.web.hosts import amount
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route
from provisioner.web.timeline import iso

METHODS = (
    ("pxe", "Network boot", "its firmware asks this service, as a machine would"),
    ("url", "Kernel of a tree", "the installer's kernel is started directly"),
    ("iso", "Medium", "an ISO is booted"),
    ("import", "Disk image", "nothing is installed: the image is its disk"),
)
_T = TypeVar("_T")
FIRMWARE = (("bios", "BIOS"), ("uefi", "UEFI"), ("uefi,secure=on", "UEFI, Secure Boot"))


async def form(request: web.Request) -> web.Response:
    """Every list that is there; one that cannot be read is empty, and the verdicts say why."""
    services = request.app[SERVICES]
    media = await _or_none(services.media.list) or ()
    facts = await _or_none(lambda: services.hosts.show(LOCAL))
    return page(
        "newguest.html.j2",
        place="lab",
        methods=METHODS,
        firmware=FIRMWARE,
        profiles=[_profile(profile) for profile in await services.profiles.list()],
        trees=[tree.name for tree in await _or_none(services.trees.list) or ()],
        isos=[file.name for file in media if file.kind == "iso"],
        images=[file.name for file in media if file.kind == "disk"],
        hosts=[state.host.name for state in await services.hosts.states() if state.host.name != LOCAL],
        networks=_networks(facts[1]) if facts else [("", "as the host has it")],
        pools=[pool.name for pool in facts[1].pools] if facts else ["default"],
        chosen=request.query.get("profile", ""),
        now=iso(services.clock()),
    )


async def _or_none(read: Callable[[], Awaitable[_T]]) -> _T | None:
    try:
        return await read()
    except (Unavailable, NotFound):
        return None


def _profile(profile: Profile) -> dict[str, object]:
    told = f"{profile.vcpus} vCPU, {amount(profile.memory * 1024)}, disk of {profile.disk:g} GiB"
    return {
        "name": profile.name,
        "summary": "; ".join(filter(None, (profile.summary, told))),
        "memory": profile.memory,
        "vcpus": profile.vcpus,
        "disk": f"{profile.disk:g}",
    }


def _networks(host: HostFacts) -> list[tuple[str, str]]:
    """What --network takes, and how it is called; the first is what a guest has without a word."""
    user = [("user", "QEMU's own network")]
    named = [
        (f"network={n.name}", f"network {n.name}" + ("" if n.active else " (not active)"))
        for n in host.networks
    ]
    named.sort(key=lambda pair: pair[0] != "network=default")
    bridged = [(f"bridge={name}", f"bridge {name}") for name in host.bridges]
    return [*user, *named, *bridged] if host.session else [*named, *bridged, *user]


ROUTES = (Route("GET", "/guests/new", form, "person"),)
"""Before the pages of single guests, so that `new` is this."""
