"""What the use cases of storage and media need: a host's storage, the media folders, an inspector."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from provisioner.core.host import Pool
from provisioner.core.media import MediaFile, ReadyImage
from provisioner.core.storage import MOST_BYTES, PoolSpec, Volume, VolumeFormat, VolumeSpec


class StorageHost(Protocol):
    """The storage of one libvirt connection. Every call may raise Unavailable, NotFound or Conflict."""

    async def pools(self) -> list[Pool]: ...
    async def pool(self, name: str) -> Pool: ...
    async def create_pool(self, spec: PoolSpec) -> Pool: ...
    async def start_pool(self, name: str) -> Pool: ...
    async def refresh_pool(self, name: str) -> Pool:
        """Reads what is in its storage again. Raises Conflict where it is not active."""
        ...

    async def delete_pool(self, name: str, *, files: bool) -> list[str]:
        """Forgets a pool; with `files` its volumes go, whose names are returned."""
        ...

    async def volumes(self, pool: str) -> list[str]: ...
    async def volume_list(self, pool: str) -> list[Volume]: ...
    async def all_volumes(self) -> list[Volume]:
        """The volumes of every active pool; `core.storage.owner` tells whose a name says it is."""
        ...

    async def volume_info(self, pool: str, name: str) -> Volume: ...
    async def volume_path(self, pool: str, name: str) -> str: ...
    async def volume_users(self, paths: Collection[str]) -> dict[str, list[str]]:
        """Which domains and overlays use these files."""
        ...

    async def make_volume(self, spec: VolumeSpec) -> Volume:
        """An empty volume or an overlay; one of that name that is there is taken as made."""
        ...

    async def new_volume(self, spec: VolumeSpec) -> Volume:
        """The same, and Conflict where the name is taken or there is no room."""
        ...

    async def clone_volume(self, pool: str, source: str, name: str, source_pool: str = "") -> Volume:
        """A full copy; one of that name that is there is taken as made."""
        ...

    async def resize_volume(self, pool: str, name: str, capacity: int) -> Volume:
        """Makes it larger; one that has the size stays, a smaller size is Invalid."""
        ...

    async def remove_volume(self, pool: str, name: str) -> None:
        """NotFound where it is gone, Conflict where a domain or an overlay needs it."""
        ...

    async def upload_volume(
        self,
        pool: str,
        name: str,
        path: Path,
        form: VolumeFormat,
        capacity: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> Volume:
        """A file of this machine as a volume of at least `capacity` bytes; may be repeated."""
        ...

    async def receive_volume(
        self,
        pool: str,
        name: str,
        size: int,
        pieces: AsyncIterator[bytes],
        form: VolumeFormat = "raw",
        *,
        overwrite: bool = False,
    ) -> Volume:
        """Fills a volume with bytes of that format; a new one that is not filled whole is taken away."""
        ...

    def volume_content(
        self, pool: str, name: str
    ) -> AbstractAsyncContextManager[tuple[int, AsyncIterator[bytes]]]: ...


StorageHosts = Callable[[str], StorageHost]
"""The storage of a libvirt URI, "" for the configured one. Raises Unavailable, Invalid."""


class Inspector(Protocol):
    @property
    def head_bytes(self) -> int: ...
    @property
    def tail_bytes(self) -> int: ...
    def judge(self, what: str, size: int, head: bytes, tail: bytes | None) -> str:
        """What bytes are by their first and last ones ("qcow2", "iso", …, "" for no image).

        `tail` is None while the last ones have not come yet. Raises Invalid for what is refused, in a
        sentence that `what` begins.
        """
        ...


class ImagePreparer(Protocol):
    async def ready(
        self,
        file: MediaFile,
        told: Callable[[str, float], Awaitable[None]] | None = None,
        *,
        most: int = MOST_BYTES,
    ) -> ReadyImage:
        """The image as plain qcow2 or raw: unpacked and converted where it must be, kept for the next time.

        `told` gets what is done and the percentage; `most` is the largest disk in bytes. Raises Invalid,
        Conflict where there is no room, Unavailable.
        """
        ...


class MediaFolders(Protocol):
    """The files in the media folders, and no others."""

    async def list(self) -> Sequence[MediaFile]: ...
    async def isos(self) -> Mapping[str, str]:
        """The paths of the files that are called `.iso`; the same text for each as long as it is the same."""
        ...

    async def resolve(self, text: str) -> MediaFile:
        """The medium that a path or a name means. Raises Invalid with a remedy, NotFound."""
        ...

    async def add(self, name: str, pieces: AsyncIterator[bytes], size: int) -> MediaFile: ...
    async def remove(self, name: str) -> None: ...
