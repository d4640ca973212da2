"""`/profiles`: shipped ones are read-only, copies are the user's own."""

from dataclasses import asdict, replace

from aiohttp import web

from provisioner.core.errors import Invalid
from provisioner.core.profile import Profile
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import (
    Done,
    FindingOut,
    NewName,
    ProfileBody,
    ProfileChange,
    ProfilePreview,
    VariableOut,
    Variables,
)


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].profiles.list())


async def create(request: web.Request, body: ProfileBody) -> object:
    profiles = request.app[SERVICES].profiles
    await profiles.create(Profile(**body.model_dump()))
    return await profiles.get(body.name)  # as it is kept, with hashes for passwords


async def show(request: web.Request, _body: None) -> object:
    return await request.app[SERVICES].profiles.get(request.match_info["name"])


async def edit(request: web.Request, body: ProfileChange) -> object:
    profiles, name = request.app[SERVICES].profiles, request.match_info["name"]
    if body.name not in (None, name):
        raise Invalid(
            f"profile {name} cannot be renamed", remedy=f"copy it: provisioner profile copy {name} NEW"
        )
    changes = body.model_dump(exclude_none=True)
    await profiles.edit(replace(await profiles.get(name), **changes))
    return await profiles.get(name)


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].profiles.remove(name)
    return Done(done=f"profile {name} is removed")


async def copy(request: web.Request, body: NewName) -> object:
    return await request.app[SERVICES].profiles.copy(request.match_info["name"], body.name)


async def preview(request: web.Request, body: ProfileChange) -> object:
    profiles = request.app[SERVICES].profiles
    known = await profiles.get(request.match_info["name"])
    text, found = await profiles.preview(replace(known, **body.model_dump(exclude_none=True)))
    return ProfilePreview(text=text, findings=[FindingOut(**asdict(finding)) for finding in found])


async def explain(request: web.Request, _body: None) -> object:
    name, guest = request.match_info["name"], request.query.get("guest", "")
    rows = await request.app[SERVICES].explain(name, guest)
    return Variables(variables=[VariableOut.model_validate(asdict(row)) for row in rows])


OPERATIONS = (
    Operation("GET", "/profiles", "List profiles", list_all, list[Profile]),
    Operation("POST", "/profiles", "Create a profile", create, Profile, takes=ProfileBody, status=201),
    Operation("GET", "/profiles/{name}", "Show a profile", show, Profile),
    Operation("PUT", "/profiles/{name}", "Change a profile", edit, Profile, takes=ProfileChange),
    Operation("DELETE", "/profiles/{name}", "Remove a profile", remove, Done),
    Operation(
        "GET",
        "/profiles/{name}/explain",
        "Each variable of its answer file, and who gave it",
        explain,
        Variables,
        query={"guest": "a guest's name: with its own variables and its host's"},
    ),
    Operation(
        "POST",
        "/profiles/{name}/preview",
        "The answer file that it would give with such changes, and what a check finds; nothing is kept",
        preview,
        ProfilePreview,
        takes=ProfileChange,
    ),
    Operation("POST", "/profiles/{name}/copy", "Copy a profile", copy, Profile, takes=NewName, status=201),
)
