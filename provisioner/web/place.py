"""Where a request came from and which address of ours it reached: from the connection, from no header."""

import re
from functools import lru_cache
from typing import Any

from aiohttp import web

from provisioner.core import urls

_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]{0,300}")


def peer(request: web.BaseRequest) -> str:
    """The address of whoever holds the other end of the connection."""
    return _name(request.protocol.peername)[0]


def root(request: web.Request) -> str:
    """The root of every URL that is given to this client.

    What comes in on the loopback was sent there by a guest on QEMU's user network, or by a program of this
    host. Only the client knows which address it used; no other than QEMU's own is believed.
    """
    address, port = _name(request.protocol.sockname)
    if address.startswith("127.") and request.host.partition(":")[0] == urls.SLIRP:
        address = urls.SLIRP
    return urls.base(address, port)


def shared(request: web.BaseRequest) -> bool:
    """Whether the client speaks with an address of this host, as every guest on QEMU's user network does."""
    return _name(request.protocol.peername)[0] == _name(request.protocol.sockname)[0]


@lru_cache(1024)
def is_host(name: str) -> bool:
    """Whether the header Host may have this value (RFC 3986, 3.2): a host and a port, or nothing."""
    return bool(_HOST.fullmatch(name))


def _name(found: Any) -> tuple[str, int]:
    if not found:
        return "", 0
    # An IPv4 client of a socket for both families is named ::ffff:192.0.2.1.
    return str(found[0]).removeprefix("::ffff:"), int(found[1])
