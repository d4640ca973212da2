"""Routes as tables: every method and path with who may use it. What no table lists is refused.

public   anybody: health, static files, the login door, the public stub, loaders, trees
token    whoever knows the install's token that the path carries; the handler checks it
person   a person or program with the API token or a session cookie
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from aiohttp.typedefs import Handler

Policy = Literal["public", "token", "person"]


@dataclass(frozen=True, slots=True)
class Route:
    """A GET answers HEAD too."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Handler
    policy: Policy


Policies = dict[tuple[str, str], Policy]
POLICIES = web.AppKey("policies", Policies)


def add(app: web.Application, routes: Iterable[Route]) -> None:
    """Registers the rows and remembers their policies."""
    policies = app.setdefault(POLICIES, {})
    for row in routes:
        if row.method == "GET":
            route = app.router.add_get(row.path, row.handler, allow_head=True)
        else:
            route = app.router.add_route(row.method, row.path, row.handler)
        resource = route.resource
        if resource is not None:
            policies[row.method, resource.canonical] = row.policy


def policy(request: web.Request) -> Policy | None:
    """The policy of the route that a request matched, None where it matched none."""
    resource = request.match_info.route.resource
    if resource is None:
        return None
    method = "GET" if request.method == "HEAD" else request.method
    return request.app[POLICIES].get((method, resource.canonical))
