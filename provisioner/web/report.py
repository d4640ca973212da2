"""`/report/{token}/{event}`: what the installer and the first boot say of themselves."""

from aiohttp import web

from provisioner.core.errors import Denied, Invalid, NotFound
from provisioner.core.install import Kind
from provisioner.web.body import read
from provisioner.web.keys import LEDGER, SERVICES
from provisioner.web.place import peer
from provisioner.web.routes import Route

REPORT_BYTES = 64 * 1024
_LINE = 300
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
    raw = await read(request, REPORT_BYTES) if request.method == "POST" else b""
    try:
        install = await services.tokens.check(request.match_info["token"], "report")
    except Denied:
        raise web.HTTPNotFound from None
    if install.over and kind is not Kind.FIRST_BOOT:
        raise web.HTTPNotFound
    text = plain(raw.decode("utf-8", "replace") or request.query.get("text", ""))
    data: dict[str, object] = {"address": peer(request)}
    if percent := request.query.get("percent", ""):
        data["percent"] = _percent(percent)
    first = headline(text)
    if text != first:
        data["text"] = text
    await request.app[LEDGER].note(kind, install, first or name, data)
    return web.Response(status=204)


def plain(text: str) -> str:
    """`text` without control characters, its line ends and tabs kept; surrounding blanks dropped."""
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in kept if c in "\n\t" or (c.isprintable() and c != "\ufffe")).strip()


def headline(text: str) -> str:
    """The last line that says something, which is where logs end; cut to what fits a timeline."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[0] if len(lines) == 1 else lines[-1]
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:4]) <= 100):
        raise Invalid(f"percent={text[:20]!r} is not a whole number from 0 to 100")
    return int(text)


ROUTES = (
    Route("POST", "/report/{token}/{event}", report, "token"),
    Route("GET", "/report/{token}/{event}", report, "token"),
)
