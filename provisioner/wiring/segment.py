"""The use cases of networks: listed and made, checked and repaired; and what keeps the repairs whole."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from provisioner.core.segment import Door
from provisioner.wiring.ground import end

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.service.ports import NetworkHost, Store
    from provisioner.service.served import Served
    from provisioner.web.services import NetworkCases


async def networks(
    settings: "Settings",
    store: "Store",
    host: "Callable[[str], NetworkHost]",
    served: "Served",
    stack: AsyncExitStack,
) -> "NetworkCases":
    """Everything that the API's `/networks` calls."""
    from provisioner.netboot import probe
    from provisioner.segment.host import SegmentHost
    from provisioner.service.checks import Checks
    from provisioner.service.ids import RandomIds
    from provisioner.service.networks import Networks
    from provisioner.service.repairs import Repairs
    from provisioner.service.snippets import Snippets
    from provisioner.web.services import NetworkCases

    segments = SegmentHost(settings.state_dir, probe.answers, probe.lease)
    stack.push_async_callback(segments.close)
    repairs = Repairs(store, host, segments, served, RandomIds().mac, settings.http_port)
    await repairs.load()
    keeping = asyncio.create_task(repairs.keep())
    stack.push_async_callback(end, keeping)
    return NetworkCases(
        Networks(host, segments),
        Checks(host, segments, served, _doors(settings)),
        repairs,
        Snippets(host, served, settings.http_port),
    )


def _doors(settings: "Settings") -> tuple[Door, ...]:
    """What a guest must reach, in the order in which it asks."""
    return (
        Door("udp", settings.dhcp_port, "DHCP"),
        Door("udp", settings.proxy_port, "PXE"),
        Door("udp", settings.tftp_port, "TFTP"),
        Door("tcp", settings.http_port, "HTTP"),
    )
