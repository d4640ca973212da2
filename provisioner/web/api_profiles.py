"""`/profiles`: shipped ones are read-only, copies are the user's own."""

from dataclasses import replace

from aiohttp import web

from provisioner.core.errors import Invalid
from provisioner.core.profile import Profile
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, NewName, ProfileBody, ProfileChange


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].profiles.list())


async def create(request: web.Request, body: ProfileBody) -> object:
    profile = Profile(**body.model_dump())
    await request.app[SERVICES].profiles.create(profile)
    return profile


async def show(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].profiles.get(request.match_info["name"])


async def edit(request: web.Request, body: ProfileChange) -> object:
    profiles, name = request.app[SERVICES].profiles, request.match_info["name"]
    if body.name not in (None, name):
        raise Invalid(
            f"profile {name} cannot be renamed", remedy=f"copy it: provisioner profile copy {name} NEW"
        )
    changes = body.model_dump(exclude_none=True)
    profile = replace(await profiles.get(name), **changes)
    await profiles.edit(profile)
    return profile


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].profiles.remove(name)
    return Done(done=f"profile {name} is removed")


async def copy(request: web.Request, body: NewName) -> object:
    return await request.app[SERVICES].profiles.copy(request.match_info["name"], body.name)


OPERATIONS = (
    Operation("GET", "/profiles", "List profiles", list_all, list[Profile]),
    Operation("POST", "/profiles", "Create a profile", create, Profile, takes=ProfileBody, status=201),
    Operation("GET", "/profiles/{name}", "Show a profile", show, Profile),
    Operation("PUT", "/profiles/{name}", "Change a profile", edit, Profile, takes=ProfileChange),
    Operation("DELETE", "/profiles/{name}", "Remove a profile", remove, Done),
    Operation("POST", "/profiles/{name}/copy", "Copy a profile", copy, Profile, takes=NewName, status=201),
)
