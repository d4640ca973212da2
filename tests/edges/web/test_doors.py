"""The guests' HTTP opens on addresses as interfaces come to be served, and closes where they are not."""

import socket
from collections.abc import Sequence
from contextlib import closing

import pytest
from aiohttp import web

from provisioner.core.errors import Unavailable
from provisioner.core.network import Repair
from provisioner.service.served import Served
from provisioner.web.listener import Listener
from provisioner.wiring.doors import Doors

ADDRESSES = {"a0": "127.0.0.71", "b0": "127.0.0.72", "pv-c0": "127.0.0.73"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESSES["a0"], 0))
        return int(probe.getsockname()[1])


def opened(port: int) -> set[str]:
    found = set()
    for name, address in ADDRESSES.items():
        with closing(socket.socket()) as client:
            client.settimeout(1)
            if client.connect_ex((address, port)) == 0:
                found.add(name)
    return found


async def test_doors_follow_what_is_served() -> None:
    there = dict(ADDRESSES)

    def addresses(patterns: Sequence[str]) -> dict[str, str]:
        return {name: address for name, address in there.items() if name in patterns}

    served, port = Served(["a0"], addresses), free_port()
    listener = Listener(web.Application())
    await listener.setup()
    doors = Doors(listener, port, served)
    try:
        await doors.follow()
        assert opened(port) == {"a0"}

        served.repaired([Repair("proxy", "b0"), Repair("macvlan", "c0")])
        await doors.follow()
        await doors.follow()
        assert opened(port) == {"a0", "b0", "pv-c0"}

        there.pop("b0")  # the interface is away for a moment: its socket waits for it
        await doors.follow()
        assert opened(port) == {"a0", "b0", "pv-c0"}

        served.repaired([])
        await doors.follow()
        assert opened(port) == {"a0"}

        with closing(socket.socket()) as other:
            other.bind((ADDRESSES["pv-c0"], port))
            other.listen()
            served.repaired([Repair("macvlan", "c0")])
            with pytest.raises(Unavailable, match=rf"TCP port {port} on 127\.0\.0\.73 cannot be opened"):
                await doors.follow()
    finally:
        await listener.cleanup()
