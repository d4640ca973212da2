"""The service's own files in memory: what is fetched, packed and converted, and the media that there are."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from provisioner.core.errors import Invalid, NotFound, ProvisionerError
from provisioner.plan.describe import describe
from provisioner.plan.given import DiskImage
from provisioner.plan.steps import FetchFile, LocalStep, MakeSeed, PrepareImage, StageFile

GIB = 1024**3
WORK = "/var/lib/provisioner/work"
ISO = "/var/lib/provisioner/media/rescue.iso"
PLAIN = DiskImage("/srv/images/plain.qcow2", "/srv/images/plain.qcow2", "qcow2", 2 * GIB, "aaaa1111")
RAW = DiskImage("/srv/images/disk.raw", "/srv/images/disk.raw", "raw", GIB, "bbbb2222")
PACKED = DiskImage(
    "/srv/images/cloud.raw.xz", "/var/lib/provisioner/cache/images/cccc3333.qcow2", "qcow2", GIB, "cccc3333"
)


class FakeWorkshop:
    """`files` are the files that there are; `fail` maps a step's type to what it raises, before or after."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.applied: list[LocalStep] = []
        self.fail: dict[type, tuple[str, ProvisionerError]] = {}

    async def apply(self, step: LocalStep) -> None:
        await asyncio.sleep(0)
        self.applied.append(step)
        when, error = self.fail.get(type(step), ("", None))
        if error and when == "before":
            raise error
        match step:
            case FetchFile():
                added = "".join(f"+{name}" for name, _ in step.inject)
                self.files[step.to] = f"{step.source}/{step.path}{added}".encode()
            case StageFile():
                self.files[step.to] = f"{step.source}/{step.path}".encode()
            case MakeSeed():
                self.files[step.to] = "".join(text for _, text in step.files).encode()
            case PrepareImage():
                self.files[step.to] = describe(step).encode()
        if error and when == "after":
            raise error

    async def clear(self, install: str) -> None:
        for path in [path for path in self.files if path.startswith(f"{WORK}/{install}/")]:
            del self.files[path]


class FakeMedia:
    """ISOs and disk images by the path or name that they are asked for with."""

    def __init__(self, images: Mapping[str, DiskImage] | None = None) -> None:
        self.isos = {"rescue.iso": ISO, ISO: ISO}
        self.images = dict(images or {image.path: image for image in (PLAIN, RAW, PACKED)})

    async def iso(self, text: str) -> str:
        if text in self.images:
            raise Invalid(f"{text} is not an ISO image")
        if text not in self.isos:
            raise NotFound(f"there is no ISO {text}")
        return self.isos[text]

    async def disk_image(self, text: str) -> DiskImage:
        if text not in self.images:
            raise NotFound(f"there is no disk image {text}")
        return replace(self.images[text])
