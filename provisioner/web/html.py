"""Pages: our templates rendered with everything escaped, and who is to get one instead of JSON."""

from collections.abc import Mapping

from aiohttp import web

from provisioner import __version__
from provisioner.resources import markup


def wants_page(request: web.Request) -> bool:
    """Whether a person's browser asks. Programs get JSON, below /api everybody does."""
    accept = request.headers.get("Accept", "")
    return "text/html" in accept and not request.path.startswith(("/api", "/events"))


def page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> web.Response:
    """One of `templates/web/` as a response that no cache keeps."""
    text = markup().get_template(f"web/{template}").render(version=__version__, **values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response
