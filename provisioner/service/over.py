"""The end of an install, waited for."""

import asyncio

from provisioner.core.install import Install
from provisioner.service.ports import Store

_LOOK_SECONDS = 2.0


async def over(store: Store, install: str) -> Install:
    """Waits for the end of an install, whatever end it is."""
    while not (found := await store.install(install)).over:  # noqa: ASYNC110 - another process may end it
        await asyncio.sleep(_LOOK_SECONDS)
    return found
