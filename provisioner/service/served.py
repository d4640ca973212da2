"""The interfaces that guests are answered on: those of the setting, and those that a repair added."""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from provisioner.core.network import Repair, interfaces


class Served:
    """Called, it gives interface to our address on it, as it is now.

    `addresses` gives that for shell patterns. What repairs add is told by `repaired`.
    """

    def __init__(
        self, setting: Sequence[str], addresses: Callable[[Sequence[str]], Mapping[str, str]]
    ) -> None:
        self._setting = tuple(setting)
        self._addresses = addresses
        self._added: tuple[str, ...] = ()

    def __call__(self) -> Mapping[str, str]:
        return self._addresses(self.patterns)

    @property
    def patterns(self) -> tuple[str, ...]:
        return (*self._setting, *self._added)

    def covers(self, interface: str) -> bool:
        """Whether an interface of that name is to be served, there or not."""
        return any(fnmatchcase(interface, pattern) for pattern in self.patterns)

    def by_setting(self, interface: str) -> bool:
        return interface in self._addresses(self._setting)

    def repaired(self, repairs: Sequence[Repair]) -> None:
        """From now on the interfaces of these repairs are served too, and no other's."""
        self._added = interfaces(repairs)
