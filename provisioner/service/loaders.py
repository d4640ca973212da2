"""First loaders: what firmware may be given, from distributions and from what was added here."""

from collections.abc import AsyncIterator, Sequence

from provisioner.core.loaders import LoaderFile, machine_for
from provisioner.service.ports import LoaderFolder


class Loaders:
    def __init__(self, folder: LoaderFolder) -> None:
        self._folder = folder

    async def list(self) -> Sequence[LoaderFile]:
        """Every name that firmware may be given, those without a file too."""
        return await self._folder.list()

    async def add(self, name: str, firmware: str, pieces: AsyncIterator[bytes], size: int) -> LoaderFile:
        """Takes a program in for a row of `core.firmware`. Raises Invalid, Conflict."""
        return await self._folder.add(name, machine_for(name, firmware), pieces, size)

    async def remove(self, name: str) -> None:
        """Raises NotFound, Conflict for what was not added here."""
        await self._folder.remove(name)
