"""`/report/{token}/{event}`: what the installer and the first boot say of themselves."""

import json

from aiohttp import web

from provisioner.core.errors import Denied, Invalid, NotFound
from provisioner.core.install import Kind
from provisioner.service.reports import LOG_BYTES as KEPT_BYTES
from provisioner.web.body import read, read_end
from provisioner.web.keys import SERVICES
from provisioner.web.place import peer
from provisioner.web.routes import Route

REPORT_BYTES = 64 * 1024
LOG_BYTES = 4 * 1024 * 1024
"""A failure's log may be so long; its end is kept."""
_KINDS = {
    "progress": Kind.PROGRESS,
    "success": Kind.SUCCEEDED,
    "failure": Kind.FAILED,
    "first-boot": Kind.FIRST_BOOT,
}


async def report(request: web.Request) -> web.Response:
    """Records the report as an event of the install whose token the path carries."""
    services = request.app[SERVICES]
    name = request.match_info["event"]
    kind = _KINDS.get(name)
    if request.method == "HEAD":
        raise web.HTTPMethodNotAllowed("HEAD", ("GET", "POST"))
    if kind is None:
        raise NotFound(f"there is no report {name[:40]!r}; known are {', '.join(_KINDS)}")
    # Before anything that takes time: nc hangs up once it has spoken, and what it said would go with it.
    raw = await _body(request, kind) if request.method == "POST" else b""
    try:
        install = await services.tokens.check(request.match_info["token"], "report")
    except Denied:
        raise web.HTTPNotFound from None
    if kind is Kind.PROGRESS and (step := _step(raw)) is not None:
        if not step:
            return web.Response(status=204)
        raw = step.encode()
    text = plain(raw.decode("utf-8", "replace") or request.query.get("text", ""))
    data: dict[str, object] = {"address": peer(request)}
    if percent := request.query.get("percent", ""):
        data["percent"] = _percent(percent)
    await services.reports.take(install, kind, text, data)
    return web.Response(status=204)


async def _body(request: web.Request, kind: Kind) -> bytes:
    if kind is Kind.FAILED:
        return await read_end(request, LOG_BYTES, KEPT_BYTES)
    return await read(request, REPORT_BYTES)


def _step(raw: bytes) -> str | None:
    """What Ubuntu's installer posts of a step, in a line; "" of one that ended well; None: no such post.

    Source: curtin/reporter/events.py, whose events subiquity's `reporting` sends.
    """
    if not raw.startswith(b"{"):
        return None
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.get("event_type") not in ("start", "finish"):
        return None
    told = str(event.get("description") or event.get("name") or "")
    if event["event_type"] == "start":
        return told
    return "" if event.get("result", "SUCCESS") == "SUCCESS" else f"{event['result']}: {told}"


def plain(text: str) -> str:
    """`text` without control characters, its line ends and tabs kept; surrounding blanks dropped."""
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in kept if c in "\n\t" or (c.isprintable() and c != "\ufffe")).strip()


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:4]) <= 100):
        raise Invalid(f"percent={text[:20]!r} is not a whole number from 0 to 100")
    return int(text)


ROUTES = (
    Route("POST", "/report/{token}/{event}", report, "token"),
    Route("GET", "/report/{token}/{event}", report, "token"),
)
