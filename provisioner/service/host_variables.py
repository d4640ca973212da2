"""The variables that the settings give a host, by its name: they stand below every profile's."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from provisioner.answers.secrets import hashed
from provisioner.answers.variables import Layer, checked, settle
from provisioner.core.host import LOCAL, Host


class HostVariables:
    """`given` are those of the settings, `hosts` tells every host there is.

    Raises Invalid for a value that could be used nowhere.
    """

    def __init__(
        self, given: Mapping[str, Mapping[str, object]], hosts: Callable[[], Awaitable[Sequence[Host]]]
    ) -> None:
        self._given = {name: hashed(values) for name, values in given.items()}
        self._hosts = hosts
        for name in given:
            checked(settle([self._layer(name)]))

    async def strangers(self) -> list[str]:
        """Names in the settings that no host has, now."""
        return sorted(self._given.keys() - {host.name for host in await self._hosts()})

    async def __call__(self, uri: str = "") -> Layer:
        """Of the host with that URI, "" for the local one; a machine that is no guest has the local ones."""
        if not uri or not self._given:
            return self._layer(LOCAL)
        names = [host.name for host in await self._hosts() if host.uri == uri]
        return self._layer(names[0] if names else uri)

    def _layer(self, name: str) -> Layer:
        return Layer(f"host {name}", self._given.get(name, {}))
