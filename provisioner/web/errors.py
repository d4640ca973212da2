"""The one map from errors to HTTP: a status, and one JSON shape (RFC 9457) or a page for a browser."""

import logging
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from provisioner.core.errors import Conflict, Denied, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.web.html import page, wants_page

log = logging.getLogger(__name__)

STATUS: dict[type[ProvisionerError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Denied: HTTPStatus.UNAUTHORIZED,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
LOGIN_REMEDY = "open a one-use login link, or send the token of api.json as `Authorization: Bearer …`"


class Malformed(ProvisionerError):
    """The bytes of the request are not what HTTP or JSON allow."""


class Forbidden(ProvisionerError):
    """The request is authenticated and still not allowed."""


class Unsupported(ProvisionerError):
    """The body is of a type that is not taken here."""


class NoUpgrade(ProvisionerError):
    """An ordinary request came where only a WebSocket can be opened."""


class BadGateway(ProvisionerError):
    """An upstream tree does not answer, or answers with an error."""


class TooMany(ProvisionerError):
    """Too many wrong tokens from one address."""


_WEB_ONLY: dict[type[ProvisionerError], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Forbidden: HTTPStatus.FORBIDDEN,
    Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NoUpgrade: HTTPStatus.UPGRADE_REQUIRED,
    BadGateway: HTTPStatus.BAD_GATEWAY,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What a failed request is answered with. `type` is a stable name that a program may compare."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str = ""

    @classmethod
    def of(cls, status: HTTPStatus, detail: str, remedy: str = "") -> "Problem":
        name = status.name.lower().replace("_", "-")
        return cls(f"urn:provisioner:problem:{name}", status.phrase, status.value, detail, remedy)


def problem(error: Exception) -> Problem:
    """The problem that an exception stands for; an unexpected one tells nothing of itself."""
    if isinstance(error, ProvisionerError):
        status = next(
            (code for kind, code in (STATUS | _WEB_ONLY).items() if isinstance(error, kind)),
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )
        return Problem.of(status, str(error), error.remedy)
    if isinstance(error, web.HTTPException):
        status = HTTPStatus(error.status)
        return Problem.of(status, _http_detail(error))
    if isinstance(error, web.RequestPayloadError):
        return Problem.of(HTTPStatus.BAD_REQUEST, "the request's body is cut short or badly encoded")
    if isinstance(error, TimeoutError):
        return Problem.of(HTTPStatus.REQUEST_TIMEOUT, "the request's body did not arrive in time")
    return Problem.of(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "something unexpected went wrong in the service",
        "its log has the details",
    )


def _http_detail(error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not allowed here; allowed are {', '.join(sorted(error.allowed_methods))}"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return "the request's body is too large"
    if error.status == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address"
    return error.reason


def answer(request: web.Request, found: Problem) -> web.Response:
    """The problem as a page for a browser that asked for one, as problem+json for everybody else."""
    headers = {"Cache-Control": "no-store"}
    if found.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="provisioner"'
    if found.status == HTTPStatus.UPGRADE_REQUIRED:
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    if found.status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = "60"
    if wants_page(request):
        return page("message.html.j2", status=found.status, headers=headers, problem=found)
    body = {
        "type": found.type,
        "title": found.title,
        "status": found.status,
        "detail": found.detail,
        "remedy": found.remedy,
    }
    return web.json_response(
        body, status=found.status, headers=headers, content_type="application/problem+json"
    )


def _where(request: web.Request) -> str:
    """The route, for a log: the path itself may carry a token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "an unknown path"


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error of a handler into its problem; only the unexpected reach the log."""
    try:
        return await handler(request)
    except (web.HTTPSuccessful, web.HTTPRedirection):
        raise
    except ConnectionError as error:
        # The other end is gone, or its download cannot be ended honestly: it must not look complete.
        log.debug("%s %s broke off: %s", request.method, _where(request), error)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=HTTPStatus.BAD_GATEWAY)
    except Exception as error:
        found = problem(error)
        if found.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("%s %s failed", request.method, _where(request))
        response = answer(request, found)
        if isinstance(error, web.HTTPMethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
