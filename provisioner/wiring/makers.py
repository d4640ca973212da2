"""TEMPORARY makers until the media store comes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.core.errors import Invalid
from provisioner.media.initrd import extra
from provisioner.media.seed import seed
from provisioner.plan.given import DiskImage

if TYPE_CHECKING:
    from provisioner.config import Settings


def makers(settings: "Settings") -> "Makers":
    return Makers()


class Makers:
    def seed(self, label: str, files: Mapping[str, bytes]) -> bytes:
        return seed(label, files)

    def inject(self, initrd: Path, files: Mapping[str, bytes]) -> None:
        behind = extra(files)
        with initrd.open("ab") as file:
            file.write(b"\0" * (-file.tell() % 4) + behind)

    async def prepare(self, image: Path) -> None:
        raise Invalid("no")

    async def iso(self, text: str) -> str:
        return text

    async def disk_image(self, text: str) -> DiskImage:
        import struct

        head = Path(text).read_bytes()[:64]
        size = struct.unpack(">Q", head[24:32])[0]
        return DiskImage(text, text, "qcow2", size, hashlib.sha256(text.encode()).hexdigest()[:24])
