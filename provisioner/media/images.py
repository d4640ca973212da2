"""The images that the mini installer installs: built here, packed, hashed, and named by their hash."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.core.errors import Invalid, NotFound
from provisioner.core.profile import Image
from provisioner.media import debian, tiny
from provisioner.media.hosttools import run
from provisioner.media.kernel import provide

Build = Callable[["Builder", bool, str], AsyncIterator[str | Image]]


class Builder:
    """Builds images into a folder. `cache` keeps packages from one build to the next."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self._folder = folder
        self._cache = cache

    async def build(self, name: str, *, tune: bool, mirror: str) -> AsyncIterator[str | Image]:
        """Lines of progress, then the image. Raises NotFound, Invalid, Unavailable."""
        recipe = _RECIPES.get(name)
        if recipe is None:
            raise NotFound(
                f"there is no recipe for an image {name!r}; known are {', '.join(sorted(_RECIPES))}"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        async for line in recipe(self, tune, mirror):
            yield line

    async def remove(self, image: Image) -> None:
        """Deletes the packed file; one that is already gone is not an error."""
        place = self._folder / image.file
        if place.parent != self._folder:
            raise Invalid(f"image {image.name}: {image.file!r} is not a file of {self._folder}")
        await asyncio.to_thread(place.unlink, missing_ok=True)

    async def _tiny(self, tune: bool, mirror: str) -> AsyncIterator[str | Image]:
        if mirror:
            raise Invalid("image tiny is made of the host's own busybox; it takes no --mirror")
        yield "tiny: kernel and busybox"
        with TemporaryDirectory(dir=self._folder) as work:
            raw = Path(work) / "tiny.tar"
            kernel = await asyncio.to_thread(provide, self._cache)
            content = await asyncio.to_thread(tiny.build, kernel, self._cache)
            raw.write_bytes(content)
            yield "tiny: packing"
            yield await asyncio.to_thread(
                self._pack, raw, "tiny", 3, False, "a busybox system, for trying out"
            )

    async def _debian12(self, tune: bool, mirror: str) -> AsyncIterator[str | Image]:
        debian.check_root()
        sources = await asyncio.to_thread(debian.sources, mirror)
        with TemporaryDirectory(dir=self._folder, prefix=".debian12-") as work:
            async for line in debian.build(Path(work) / "root", sources, tune=tune):
                yield f"debian12: {line}"
            if tune:
                await asyncio.to_thread(debian.shorten, Path(work) / "root", self._cache)
            yield "debian12: making the file system"
            raw = await asyncio.to_thread(debian.file_system, Path(work) / "root", Path(work) / "root.img")
            yield "debian12: packing"
            tuned = ", tuned for emulation" if tune else ""
            yield await asyncio.to_thread(self._pack, raw, "debian12", 12, tune, f"Debian 12{tuned}")

    def _pack(self, raw: Path, name: str, level: int, tuned: bool, summary: str) -> Image:
        """Compresses, hashes, and puts the file in place under a name that tells its content."""
        packed = raw.with_name(raw.name + ".zst")
        run(["zstd", "-q", f"-{level}", "-T0", raw, "-o", packed], f"packing the image {name}")
        with packed.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        variant = f"{name}-emulation" if tuned else name
        target = self._folder / f"{variant}-{digest[:12]}{''.join(raw.suffixes)}.zst"
        packed.chmod(0o644)
        packed.replace(target)
        size = target.stat().st_size
        return Image(name, target.name, digest, size, raw.stat().st_size, tuned, summary)


_RECIPES: Mapping[str, Build] = {"tiny": Builder._tiny, "debian12": Builder._debian12}
