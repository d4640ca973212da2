"""The pages of profiles: all at `/profiles`, one at `/profiles/{name}` with what may be changed of it."""

import json

from aiohttp import web

from provisioner.core.profile import Profile
from provisioner.web.hosts import amount
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route


async def index(request: web.Request) -> web.Response:
    """One's own first, then those that are shipped."""
    found = await request.app[SERVICES].profiles.list()
    rows = [_fields(profile) for profile in sorted(found, key=lambda row: (row.shipped, row.name))]
    return page("profiles.html.j2", place="profiles", profiles=rows)


async def one(request: web.Request) -> web.Response:
    """One profile: its fields, its variables with their origins, and who uses it."""
    services = request.app[SERVICES]
    profile = await services.profiles.get(request.match_info["name"])
    guests = [row.spec.name for row in await services.store.guests() if row.spec.profile == profile.name]
    machines = [
        machine.name
        for machine in await services.store.machines()
        if machine.profile == profile.name and not machine.guest
    ]
    return page(
        "profile.html.j2",
        place="profiles",
        profile=_fields(profile),
        explained=await services.explain(profile.name, ""),
        trees=sorted({profile.tree, *(tree.name for tree in await services.trees.list())}),
        images=sorted({*filter(None, [profile.image]), *(row.name for row in await services.images.list())}),
        users=sorted([*guests, *machines]),
    )


def _fields(profile: Profile) -> dict[str, object]:
    own_text = "\n" in profile.template
    return {
        "name": profile.name,
        "family": profile.family,
        "release": profile.release,
        "tree": profile.tree,
        "image": profile.image,
        "template": profile.template,
        "own_text": own_text,
        "template_name": "its own text" if own_text else profile.template or "the family's own",
        "kernel_args": profile.kernel_args,
        "memory": profile.memory,
        "memory_text": amount(profile.memory * 1024),
        "vcpus": profile.vcpus,
        "disk": f"{profile.disk:g}",
        "summary": profile.summary,
        "shipped": profile.shipped,
        "variables": "\n".join(f"{name}={_value(value)}" for name, value in profile.variables.items()),
    }


def _value(value: object) -> str:
    """As the form reads it back: a text that JSON would read as something else is quoted."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        json.loads(value)
    except ValueError:
        plain = value == value.strip() and "\n" not in value
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


ROUTES = (
    Route("GET", "/profiles", index, "person"),
    Route("GET", "/profiles/{name}", one, "person"),
)
