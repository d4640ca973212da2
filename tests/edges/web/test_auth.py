"""Nobody gets in without a token: every route of both listeners, and the login door."""

import re
from http.cookies import SimpleCookie

import pytest
from aiohttp import web

from provisioner.web.app import guest_app, people_app
from provisioner.web.gate import COOKIE
from provisioner.web.headers import CONTENT_SECURITY_POLICY
from provisioner.web.routes import POLICIES
from tests.edges.web.world import TOKEN, World

PUBLIC_PEOPLE = {"/healthz", "/readyz", "/login", "/static/{path}"}
PUBLIC_GUESTS = {"/healthz", "/readyz", "/boot/ipxe", "/boot/{loader}", "/{loader}", "/tree/{tree}/{path}"}
"""`/{loader}` is a grub.cfg, in any folder."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")


def paths(app: web.Application) -> set[str]:
    return {resource.canonical for resource in app.router.resources()}


def filled(path: str) -> str:
    return re.sub(r"{\w+}", "x", path)


async def test_no_route_of_the_people_answers_without_a_token(world: World) -> None:
    credentials = {
        "none": {},
        "garbage": {"Authorization": "Bearer " + "g" * 43},
        "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
        "empty": {"Authorization": "Bearer "},
        "cookie": {"Cookie": f"{COOKIE}=garbage"},
        "forged": {"Cookie": f"{COOKIE}=99999999999.x.{'0' * 64}", "X-Forwarded-For": "127.0.0.1"},
    }
    asked = 0
    for path in sorted(paths(people_app(world.services, TOKEN)) - PUBLIC_PEOPLE):
        for method in METHODS:
            for name, headers in credentials.items():
                status, _, _ = await world.ask(method, filled(path), headers=headers)
                assert status in (401, 403, 404, 405), (method, path, name)
                asked += 1
    assert asked > 1500


async def test_every_route_has_a_policy_and_the_public_ones_are_these(world: World) -> None:
    for app, public in (
        (people_app(world.services, TOKEN), PUBLIC_PEOPLE),
        (guest_app(world.services), PUBLIC_GUESTS),
    ):
        policies = app[POLICIES]
        for route in app.router.routes():
            assert route.resource is not None
            method = "GET" if route.method == "HEAD" else route.method
            assert (method, route.resource.canonical) in policies
        found = {path for (_, path), policy in policies.items() if policy == "public"}
        assert found == public


async def test_no_guests_route_answers_without_its_token(world: World) -> None:
    await world.install()
    for path in paths(guest_app(world.services)) - PUBLIC_GUESTS - {"/boot/script/{token}"}:
        for method in METHODS:
            status, _, _ = await world.get(filled(path), method=method)
            assert status in (401, 403, 404, 405), (method, path)


async def test_neither_listener_answers_the_other(world: World) -> None:
    for path in ("/", "/api/v1/guests", "/events", "/login", "/static/style.css", "/api/openapi.json"):
        assert (await world.get(path, headers={"Authorization": f"Bearer {TOKEN}"}))[0] == 404
    for path in (
        "/boot/ipxe",
        "/boot/snponly.efi",
        "/tree/images/x",
        "/report/x/success",
        "/answer/x/ks.cfg",
    ):
        assert (await world.ask("GET", path))[0] == 404


async def test_an_unknown_path_tells_a_stranger_nothing(world: World) -> None:
    assert (await world.ask("GET", "/nothing", headers={}))[0] == 401
    assert (await world.ask("GET", "/nothing"))[0] == 404


async def test_a_browser_is_told_how_to_get_in(world: World) -> None:
    status, page, headers = await world.ask("GET", "/", headers={"Accept": "text/html"})

    assert status == 401
    assert "provisioner token" in page
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


async def login(world: World) -> str:
    _, body, _ = await world.ask("POST", "/api/v1/login-keys")
    key = body["url"].partition("key=")[2]
    status, _, headers = await world.ask("GET", f"/login?key={key}", headers={})
    assert (status, headers["Location"]) == (303, "/")
    morsel = SimpleCookie(headers["Set-Cookie"])[COOKIE]
    assert morsel["httponly"] is True
    assert morsel["samesite"] == "Strict"
    assert morsel["path"] == "/"
    return f"{COOKIE}={morsel.value}"


async def test_a_login_link_works_once(world: World) -> None:
    _, body, _ = await world.ask("POST", "/api/v1/login-keys")
    assert body["url"].startswith(f"{world.people_root}/login?key=")
    path = body["url"].removeprefix(world.people_root)

    assert (await world.ask("HEAD", path, headers={}))[0] == 200
    assert (await world.ask("GET", path, headers={}))[0] == 303
    status, page, headers = await world.ask("GET", path, headers={})
    assert status == 401
    assert "has been used" in page
    assert "Set-Cookie" not in headers


async def test_the_cookie_opens_everything(world: World) -> None:
    cookie = await login(world)

    assert (await world.ask("GET", "/", headers={"Cookie": cookie}))[0] == 200
    assert (await world.ask("GET", "/api/v1/guests", headers={"Cookie": cookie}))[0] == 200


async def test_another_site_cannot_use_the_cookie(world: World) -> None:
    cookie = await login(world)
    host = f"127.0.0.1:{world.people_port}"
    unsafe = [
        ("POST", "/api/v1/guests"),
        ("DELETE", "/api/v1/guests/web1"),
        ("PUT", "/api/v1/guests/web1/autostart"),
        ("POST", "/logout"),
    ]
    foreign: list[dict[str, str]] = [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://{host}.evil.example"},
        {"Origin": f"http://localhost:{world.people_port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ]
    for method, path in unsafe:
        for headers in foreign:
            status, _, _ = await world.ask(method, path, headers={"Cookie": cookie, **headers})
            assert status == 403, (method, path, headers)
    own = {"Cookie": cookie, "Origin": f"http://{host}"}
    assert (await world.ask("DELETE", "/api/v1/guests/web1", headers=own))[0] == 404
    assert (await world.ask("POST", "/logout", headers=own))[0] == 303


async def test_guessing_is_cut_off_and_repeating_is_not(world: World) -> None:
    for _ in range(30):
        stale = {"Authorization": "Bearer old-token-of-a-forgotten-script"}
        assert (await world.ask("GET", "/api/v1/guests", headers=stale))[0] == 401
    assert (await world.ask("GET", "/api/v1/guests"))[0] == 200

    statuses = [
        (await world.ask("GET", "/api/v1/guests", headers={"Authorization": f"Bearer guess{n}"}))[0]
        for n in range(30)
    ]
    assert statuses.count(401) == 9
    assert statuses.count(429) == 21
    status, problem, headers = await world.ask("GET", "/api/v1/guests")
    assert (status, headers["Retry-After"]) == (429, "60")
    assert "wait a minute" in problem["remedy"]


@pytest.mark.parametrize(
    "path", ["/", "/install/nothing", "/login", "/static/style.css", "/api/v1/guests", "/healthz", "/nothing"]
)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_every_answer_carries_the_policies(world: World, path: str, signed_in: bool) -> None:
    headers = {"Accept": "text/html"} | ({"Authorization": f"Bearer {TOKEN}"} if signed_in else {})

    _, _, got = await world.ask("GET", path, headers=headers)

    assert got["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in got["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in got["Content-Security-Policy"]
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Referrer-Policy"] == "no-referrer"
    assert got["Server"] == "provisioner"
