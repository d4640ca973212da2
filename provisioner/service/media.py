"""Media: what is in the folders that guests may be installed from, added and removed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from provisioner.core.errors import Conflict, ProvisionerError
from provisioner.core.media import MediaFile, ReadyImage
from provisioner.core.storage import MOST_BYTES
from provisioner.service.ports import ImagePreparer, MediaFolders, StorageHosts
from provisioner.service.trees import Trees


class Media:
    """`trees` are told of ISOs that come and go; without them an ISO is a medium and no tree."""

    def __init__(
        self, folders: MediaFolders, images: ImagePreparer, hosts: StorageHosts, trees: Trees | None = None
    ) -> None:
        self._folders = folders
        self._images = images
        self._hosts = hosts
        self._trees = trees

    async def list(self) -> Sequence[MediaFile]:
        names = await self._names()
        return [replace(file, tree=names.get(file.path, "")) for file in await self._folders.list()]

    async def _names(self) -> Mapping[str, str]:
        """The trees that lie in files, by the file's path."""
        return {tree.source: tree.name for tree in await self._trees.list()} if self._trees else {}

    async def resolve(self, text: str) -> MediaFile:
        """The medium that a path or a name means, inspected. Raises Invalid with a remedy, NotFound."""
        file = await self._folders.resolve(text)
        return replace(file, tree=(await self._names()).get(file.path, ""))

    async def ready(
        self,
        text: str,
        told: Callable[[str, float], Awaitable[None]] | None = None,
        *,
        most: int = MOST_BYTES,
    ) -> ReadyImage:
        """The disk image that a path or a name means, ready to be uploaded as a volume. Raises Invalid."""
        return await self._images.ready(await self._folders.resolve(text), told, most=most)

    async def add(self, name: str, pieces: AsyncIterator[bytes], size: int) -> MediaFile:
        """Takes a file in; an ISO that is a tree is one from now on. Raises Invalid, Conflict."""
        file = await self._folders.add(name, pieces, size)
        return replace(file, tree=(await self._names()).get(file.path, ""))

    async def remove(self, name: str) -> None:
        """The trees that lie in it are forgotten with it.

        Raises Conflict where a domain of the configured host has the file in its drive, and where an install
        reads it as a tree.
        """
        found = next((file for file in await self._folders.list() if file.name == name and file.own), None)
        if found is not None:
            await self._check_unused(found)
            await self._forget(found)
        await self._folders.remove(name)

    async def _forget(self, file: MediaFile) -> None:
        if self._trees is not None:
            for tree in await self._trees.list():
                if tree.source == file.path:
                    await self._trees.remove(tree.name)

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
