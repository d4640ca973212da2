"""Media: what is in the folders that guests may be installed from, added and removed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from provisioner.core.errors import Conflict, ProvisionerError
from provisioner.core.media import MediaFile, ReadyImage
from provisioner.core.storage import MOST_BYTES
from provisioner.service.ports import ImagePreparer, MediaFolders, StorageHosts


class Media:
    def __init__(self, folders: MediaFolders, images: ImagePreparer, hosts: StorageHosts) -> None:
        self._folders = folders
        self._images = images
        self._hosts = hosts

    async def list(self) -> Sequence[MediaFile]:
        return await self._folders.list()

    async def resolve(self, text: str) -> MediaFile:
        """The medium that a path or a name means, inspected. Raises Invalid with a remedy, NotFound."""
        return await self._folders.resolve(text)

    async def ready(
        self,
        text: str,
        told: Callable[[str, float], Awaitable[None]] | None = None,
        *,
        most: int = MOST_BYTES,
    ) -> ReadyImage:
        """The disk image that a path or a name means, ready to be uploaded as a volume. Raises Invalid."""
        return await self._images.ready(await self.resolve(text), told, most=most)

    async def add(self, name: str, pieces: AsyncIterator[bytes], size: int) -> MediaFile:
        return await self._folders.add(name, pieces, size)

    async def remove(self, name: str) -> None:
        """Raises Conflict where a domain of the configured host has the file in its drive."""
        found = next((file for file in await self._folders.list() if file.name == name and file.own), None)
        if found is not None:
            await self._check_unused(found)
        await self._folders.remove(name)

    async def _check_unused(self, file: MediaFile) -> None:
        try:
            users = await self._hosts("").volume_users([file.path])
        except ProvisionerError:
            return  # a host that is away runs nothing that could be asked
        if names := users.get(file.path):
            raise Conflict(
                f"medium {file.name} is in use by {', '.join(names)}",
                remedy="detach it there, then remove it",
            )
