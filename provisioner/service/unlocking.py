"""Whose answer file is asked for: by its token, by the serial that GRUB read, or by being the first."""

from collections.abc import Callable

from provisioner.core import urls
from provisioner.core.errors import Denied
from provisioner.core.install import Install
from provisioner.service.ports import Store
from provisioner.service.tokens import Tokens


class Unlocking:
    """`neighbour` turns an address into a MAC address where the kernel knows it."""

    def __init__(self, tokens: Tokens, store: Store, neighbour: Callable[[str], str | None]) -> None:
        self._tokens = tokens
        self._store = store
        self._neighbour = neighbour

    async def __call__(self, key: str, address: str) -> Install:
        """The install that `key` unlocks for `address`. Raises Denied: its reason is for the timeline."""
        if key == urls.FIRST:
            return await self._first(address)
        try:
            return await self._tokens.check(key, "answer")
        except Denied as denied:
            try:
                install = await self._tokens.check(key, "stub")
            except Denied:
                raise denied from None
            if install.loader != "grub":
                raise
            return install

    async def _first(self, address: str) -> Install:
        """A loader that reads no serial leads here: the machine behind the address, and no other."""
        mac = self._neighbour(address)
        install = await self._store.install_of(mac=mac) if mac else None
        if install is None or install.over:
            raise Denied(f"no install runs for the machine at {address}")
        if install.loader == "ipxe":
            raise Denied(f"the loader of install {install.id} is given a token, and none came")
        bound = await self._store.bind(install.id, address)
        if bound != address:
            raise Denied(f"the answers of install {install.id} belong to {bound}, which asked first")
        return install
