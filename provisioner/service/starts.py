"""Several guests switched on, so many at a time: a host that boots all of them at once boots none soon."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from provisioner.service.answering import TAIL, Answering
from provisioner.service.each import each
from provisioner.service.guests import Guests
from provisioner.service.ports import LifeHosts

PATIENCE = 120.0
"""Seconds until the next one's turn where a guest gives no sign."""


class Starts:
    def __init__(self, hosts: LifeHosts, guests: Guests, answering: Answering) -> None:
        self._hosts = hosts
        self._guests = guests
        self._answering = answering

    async def start_each(
        self, names: Sequence[str], *, at_once: int
    ) -> AsyncGenerator[tuple[str, str | Exception]]:
        """Gives each as it is switched on: the next begins when one answers, or has had its time."""
        said: dict[str, bytes] = {}

        async def start(name: str) -> str:
            row = await self._guests.ours(name)
            said[name] = await self._hosts(row.uri).serial_tail(name, row.spec.uuid, TAIL)
            await self._guests.start(name)
            return name

        async def up(name: str) -> None:
            await self._answering.until(name, said[name], PATIENCE)

        starting = each(names, start, at_once=at_once, until=up if at_once else None)
        async with aclosing(starting):
            async for started in starting:
                yield started
