"""`/login-keys`: a link that lets a browser in once."""

from aiohttp import web

from provisioner.web.keys import GATE
from provisioner.web.operation import Operation
from provisioner.web.place import root
from provisioner.web.schemas import LoginUrl


async def login_key(request: web.Request, _body: None) -> object:
    """The link has the address that this request came to, which the caller can evidently reach."""
    host = request.headers.get("Host", "")
    base = f"http://{host}" if host and not set(host) - _HOST else root(request)
    return LoginUrl(url=f"{base}/login?key={request.app[GATE].new_key()}")


_HOST = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")
OPERATIONS = (
    Operation("POST", "/login-keys", "A one-use login link for a browser", login_key, LoginUrl, status=201),
)
