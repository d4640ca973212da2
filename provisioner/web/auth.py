"""The people's listener lets in a Bearer token or a session cookie, and nothing else.

A cookie is sent by a browser on its own, so an unsafe method and a WebSocket with a cookie must come from our
own pages: their Origin is compared with the Host they were sent to. Proxy headers name nobody here.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from provisioner.core.errors import Denied
from provisioner.web import routes
from provisioner.web.errors import LOGIN_REMEDY, Forbidden, TooMany
from provisioner.web.gate import COOKIE, SESSION, Gate
from provisioner.web.html import page
from provisioner.web.keys import GATE
from provisioner.web.place import peer
from provisioner.web.routes import Route

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def authorise(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Public routes pass; every other one, and every address that is no route, needs a person."""
    if routes.policy(request) == "public":
        return await handler(request)
    check(request, request.app[GATE])
    return await handler(request)


def check(request: web.Request, gate: Gate) -> None:
    """Raises Denied, Forbidden or TooMany."""
    address = peer(request)
    bearer = _bearer(request)
    cookie = request.cookies.get(COOKIE, "")
    if not bearer and not cookie:
        raise Denied("this needs a token or a login", remedy=LOGIN_REMEDY)
    if gate.closed_to(address):
        raise TooMany(f"too many wrong tokens came from {address}", remedy="wait a minute")
    if bearer:
        if gate.token_is_right(bearer):
            return
        gate.note_wrong(address, bearer)
        raise Denied("the token is not the right one", remedy=LOGIN_REMEDY)
    if not gate.cookie_is_right(cookie):
        if not gate.cookie_is_ours(cookie):
            gate.note_wrong(address, cookie)
        raise Denied("the login has expired", remedy=LOGIN_REMEDY)
    if (request.method not in _SAFE or _is_socket(request)) and not _same_origin(request):
        raise Forbidden("this request came from another site", remedy="use the dashboard's own pages")


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_socket(request: web.Request) -> bool:
    """A WebSocket begins with a GET, and what it carries is as unsafe as any POST."""
    return "websocket" in request.headers.get("Upgrade", "").lower()


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    return origin.lower() == f"http://{request.headers.get('Host', '')}".lower()


async def login(request: web.Request) -> web.StreamResponse:
    """Trades a one-use key for a session cookie."""
    gate = request.app[GATE]
    address = peer(request)
    if gate.closed_to(address):
        raise TooMany(f"too many wrong keys came from {address}", remedy="wait a minute")
    key = request.query.get("key", "")
    # A link preview asks by HEAD; the key must still be good for the person after it.
    if request.method == "HEAD" or not key:
        return page("login.html.j2", tried=False, status=200)
    if not gate.use_key(key):
        gate.note_wrong(address, key)
        return page("login.html.j2", tried=True, status=401)
    response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE,
        gate.new_cookie(),
        max_age=int(SESSION.total_seconds()),
        path="/",
        httponly=True,
        samesite="Strict",
    )
    return response


async def logout(request: web.Request) -> web.StreamResponse:
    """Forgets the cookie in this browser."""
    response = web.Response(status=303, headers={"Location": "/login", "Cache-Control": "no-store"})
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


ROUTES = (
    Route("GET", "/login", login, "public"),
    Route("POST", "/logout", logout, "person"),
)
