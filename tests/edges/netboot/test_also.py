"""Interfaces that a repair adds and takes back are followed while netboot runs."""

import time
from collections.abc import Callable

from provisioner.netboot.server import Netboot, NetbootSettings
from tests.edges.netboot.serving import Events, Running, everybody, inside, loader, now
from tests.edges.netboot.spaces import Network, needs_namespaces, network
from tests.edges.netboot.test_probe import OURS, ask


@needs_namespaces
def test_a_repaired_interface_is_served_at_once_and_no_longer_when_taken_back() -> None:
    also: list[str] = []
    events = Events()

    async def main(started: Callable[[], None]) -> None:
        netboot = Netboot(
            NetbootSettings(("nobody*",), poll=0.05),
            everybody,
            loader,
            events.take,
            now,
            lambda address: None,
            also=lambda: tuple(also),
        )
        await netboot.run(started)

    with network() as net, Running(main, net.server):
        assert ask(net, 0.5) == []
        also.append("pvbr0")
        assert _within_two_seconds(net, [OURS])
        also.clear()
        assert _within_two_seconds(net, [])


def _within_two_seconds(net: Network, wanted: list[object]) -> bool:
    end = time.monotonic() + 2
    while time.monotonic() < end:
        if inside(net.client, lambda: ask(net, 0.3)) == wanted:
            return True
    return False
