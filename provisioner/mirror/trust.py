"""Which hosts may be asked: those that an operator named, and of those that others name only public ones.

A tree's own host, and that of any other upstream of the configuration, may be anywhere. Where a redirect or a
mirror list names another, its name is resolved once, every address must be a public one, and the connection
goes to an address that was looked at: a resolver that answers otherwise a moment later changes nothing.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from yarl import URL

from provisioner.core.errors import Unavailable

_USUAL = (80, 443)
_HERE = "an address of this host"
_NAT64 = ip_network("64:ff9b::/96")
_LOCAL = ("localhost", "ip6-localhost", "ip6-loopback")


class Erred(Unavailable):
    """The server answers, but not with the file."""


class Trust:
    """`configured` tells the URLs of all upstreams that an operator named."""

    def __init__(self, configured: Callable[[], Iterable[str]] = tuple) -> None:
        self._configured = configured
        self._listed: set[str] = set()

    def distrust(self, root: str) -> None:
        """A list named this upstream, and no operator."""
        self._listed.add(root)

    def may_ask(self, source: str, url: URL) -> bool:
        """Whether `url` is on the host of the upstream `source` or of another, whatever its address."""
        roots = [] if source in self._listed else [source]
        return any(_same(URL(root), url) for root in (*roots, *self._configured()) if "://" in root)


def _same(known: URL, url: URL) -> bool:
    return known.host == url.host and (known.port == url.port or url.port in _USUAL)


def check_spelling(host: str) -> str:
    """Why a host that a stranger wrote is none that may be asked, "" where its address is to tell.

    2130706433, 0177.0.0.1, 0x7f.1 and 127.1 are addresses to a resolver and names to whoever reads them.
    """
    name = host.rstrip(".").lower()
    if name in _LOCAL or name.endswith(".localhost"):
        return _HERE
    try:
        return inward(ip_address(name.partition("%")[0]))
    except ValueError:
        pass
    try:
        socket.inet_aton(name)
    except (OSError, ValueError):
        return ""
    return "an address in an odd spelling"


def inward(address: IPv4Address | IPv6Address) -> str:
    """Why an address is no public one, "" for one that is."""
    inner = _inner(address)
    if inner is not None:
        return inward(inner)
    if address.is_loopback or address.is_unspecified:
        return _HERE
    if address.is_link_local:
        return "an address that only neighbours have"
    if address.is_multicast or address.is_reserved or not address.is_global:
        return "an address of a private network"
    return ""


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


async def public(host: str, port: int) -> Sequence[str]:
    """The addresses of a host that a stranger named. Raises OSError, and Erred where one is no public one."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    for address in addresses:
        if reason := inward(ip_address(address.partition("%")[0])):
            raise Erred(f"{host} is {address}, {reason}")
    return addresses
