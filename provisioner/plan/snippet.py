"""What a site's own DHCP server needs, where firmware takes no answer of a ProxyDHCP."""

import ipaddress
from dataclasses import dataclass
from typing import Literal, get_args

from provisioner.core import urls
from provisioner.core.firmware import ordinary
from provisioner.plan.bootfile import options
from provisioner.resources import text

Server = Literal["dnsmasq", "isc", "kea"]
SERVERS: tuple[Server, ...] = get_args(Server)
_TEMPLATES: dict[Server, str] = {"dnsmasq": "dnsmasq.conf", "isc": "dhcpd.conf", "kea": "kea.json"}


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    codes: tuple[int, ...]
    file: str
    http: bool


def snippet(kind: Server, server: str, port: int, where: str, subnet: str = "") -> str:
    """Configuration text: the files of each architecture, and the stub for an iPXE that speaks HTTP.

    `server` is our address on the segment and `port` the guests' HTTP; `where` a phrase as `on bridge br0`;
    `subnet` the server's address with its prefix, "" where it is not known.
    """
    root = urls.base(server, port)
    rows = [
        _Row(
            row.name,
            row.codes,
            urls.loader(root, loader) if row.transport == "http" else loader,
            row.transport == "http",
        )
        for row, loader in ordinary()
    ]
    network = ipaddress.IPv4Interface(subnet).network if subnet else None
    return (
        text("templates")
        .get_template(f"snippets/{_TEMPLATES[kind]}.j2")
        .render(
            where=where,
            server=server,
            stub=urls.stub(root),
            rows=rows,
            options=options(root, server),
            subnet=str(network.network_address) if network else "",
            netmask=str(network.netmask) if network else "",
            prefix=network.prefixlen if network else 0,
            first=str(network.network_address + network.num_addresses // 2) if network else "",
            last=str(network.broadcast_address - 1) if network else "",
        )
    )
