"""One row of the API: what it is called by, what it takes, what it gives, and the function that does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from provisioner.core.errors import Invalid
from provisioner.web.body import read_json
from provisioner.web.schemas import In, parse, to_data

Call = Callable[[web.Request, Any], Awaitable[object]]
"""Given the request and its validated body; gives what is to be sent, a Reply, or a whole response."""

FLAG = "1 or 0"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Operation:
    """`gives` is a model, a noun or `list[…]` of one; None where `content` alone tells.

    `query` names the parameters it knows, each with what it takes; any other is refused. `gives_too` are
    other statuses of success with what they give. `streams` says that the body is bytes of any size, `text`
    that it is a text of that media type.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    call: Call
    gives: Any
    takes: type[In] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    content: str = "application/json"
    gives_too: Mapping[int, Any] = field(default_factory=dict)
    streams: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another status than the operation's usual one."""

    value: object
    status: int


def handler(operation: Operation) -> Handler:
    """The operation as a request handler: checks, calls, sends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        for name in request.query:
            if name not in operation.query:
                known = ", ".join(operation.query) or "none"
                raise Invalid(f"query parameter {name[:60]!r} is not known here; known are {known}")
        body = parse(operation.takes, await read_json(request)) if operation.takes else None
        result = await operation.call(request, body)
        if isinstance(result, web.StreamResponse):
            return result
        reply = result if isinstance(result, Reply) else Reply(result, operation.status)
        response = web.json_response(to_data(reply.value), status=reply.status)
        response.headers["Cache-Control"] = "no-store"
        return response

    return handle


def flag(request: web.Request, name: str) -> bool:
    """A query parameter that is on or off. Raises Invalid."""
    text = request.query.get(name, "").lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Invalid(f"{name}={text[:40]!r} is not understood; write {name}=1 or {name}=0")


def number(request: web.Request, name: str, default: int, most: int) -> int:
    """A query parameter that counts. Raises Invalid."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= most):
        raise Invalid(f"{name}={text[:40]!r} is not a whole number from 0 to {most}")
    return int(text)


def unchanged(request: web.Request, mark: str) -> bool:
    """Whether the client has what is marked so, and is to be told no more than that (304)."""
    return any(tag.value in (mark, "*") for tag in request.if_none_match or ())
