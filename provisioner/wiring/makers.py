"""What the service has made of files: seeds, initrds with more in them, plain disk images; ISOs looked at."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from provisioner.core.errors import Invalid
from provisioner.media.initrd import extra
from provisioner.media.prepare import Prepared
from provisioner.media.seed import seed
from provisioner.media.store import MediaStore
from provisioner.plan.given import DiskImage


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
            raise Invalid(f"{file.path} is not an ISO image", remedy=_why(file.note))
        return file.path

    async def disk_image(self, text: str) -> DiskImage:
        file = await self._store.resolve(text)
        if file.kind != "disk":
            raise Invalid(
                file.note or f"{file.path} is no disk image",
                remedy="give a qcow2, raw, vmdk, vdi or vhd image",
            )
        if not file.virtual_size:  # a packed raw image tells its size only when it is unpacked
            ready = await self._prepared.ready(file)
        else:
            ready = await asyncio.to_thread(self._prepared.place, file)
        return DiskImage(file.path, ready.path, ready.format, ready.virtual_size, ready.key)


def _why(note: str) -> str:
    return note or "give the file of an installation medium"
