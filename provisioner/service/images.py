"""Root images: built by recipe, listed, removed."""

from collections.abc import AsyncGenerator

from provisioner.core.errors import Conflict
from provisioner.core.profile import Image
from provisioner.service.ports import ImageBuilder, Store
from provisioner.service.profiles import Profiles


class Images:
    def __init__(self, store: Store, builder: ImageBuilder, profiles: Profiles) -> None:
        self._store = store
        self._builder = builder
        self._profiles = profiles

    async def list(self) -> list[Image]:
        return await self._store.images()

    async def build(self, name: str, *, tune: bool, mirror: str) -> AsyncGenerator[str | Image]:
        """Lines of progress, then the image, which replaces one of that name."""
        async for item in self._builder.build(name, tune=tune, mirror=mirror):
            if isinstance(item, Image):
                await self._store.put_image(item)
            yield item

    async def remove(self, name: str) -> None:
        """Raises NotFound, and Conflict where an install that runs needs it."""
        image = await self._store.image(name)
        users = {profile.name for profile in await self._profiles.list() if profile.image == name}
        for install in await self._store.installs(active=True):
            if install.profile in users and not install.over:
                raise Conflict(
                    f"image {name} is being installed on {install.guest}",
                    remedy=f"wait for it, or provisioner install cancel {install.guest}",
                )
        await self._builder.remove(image)
        await self._store.remove_image(name)
