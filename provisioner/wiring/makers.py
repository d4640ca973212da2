"""What the service has made of files: seeds, initrds with more in them, plain disk images, ISOs looked at."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.core.errors import Invalid
from provisioner.media.initrd import extra
from provisioner.media.prepare import Prepared
from provisioner.media.seed import seed
from provisioner.media.store import MediaStore
from provisioner.plan.given import DiskImage

if TYPE_CHECKING:
    from provisioner.config import Settings


def makers(settings: "Settings") -> "Makers":
    """The makers of this service, with its media folders."""
    folder = settings.state_dir
    own, *others = settings.media_dirs or [folder / "media"]
    return Makers(MediaStore(own, others), Prepared(folder / "cache" / "images"))


class Makers:
    """Satisfies `service.workshop.Makers` and `service.requests.Media`."""

    def __init__(self, store: MediaStore, prepared: Prepared) -> None:
        self._store = store
        self._prepared = prepared

    def seed(self, label: str, files: Mapping[str, bytes]) -> bytes:
        try:
            return seed(label, files)
        except ValueError as error:
            raise Invalid(str(error)) from error

    def inject(self, initrd: Path, files: Mapping[str, bytes]) -> None:
        behind = extra(files)
        with initrd.open("ab") as file:
            file.write(b"\0" * (-file.tell() % 4) + behind)

    async def prepare(self, image: Path) -> None:
        await self._prepared.ready(await self._store.resolve(str(image)))

    async def iso(self, text: str) -> str:
        file = await self._store.resolve(text)
        if file.kind != "iso":
            raise Invalid(f"{file.path} is not an ISO image")
        return file.path

    async def disk_image(self, text: str) -> DiskImage:
        file = await self._store.resolve(text)
        if file.kind != "disk":
            raise Invalid(f"{file.path} is no disk image that can be imported")
        found = self._prepared.place(file)
        return DiskImage(file.path, str(found.path), found.format, found.virtual_size, found.key)
