"""Where a request came from and which address of ours it reached: from the connection, from no header."""

from aiohttp import web

from provisioner.core import urls


def peer(request: web.Request) -> str:
    """The address of whoever holds the other end of the connection."""
    return _name(request, "peername")[0]


def root(request: web.Request) -> str:
    """The root of every URL that is given to this client."""
    return urls.base(*_name(request, "sockname"))


def _name(request: web.Request, which: str) -> tuple[str, int]:
    found = request.transport.get_extra_info(which) if request.transport else None
    if not found:
        return "", 0
    # An IPv4 client of a socket for both families is named ::ffff:192.0.2.1.
    return str(found[0]).removeprefix("::ffff:"), int(found[1])
