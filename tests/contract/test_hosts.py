"""Hosts that were added, in every store alike."""

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.host import Host
from provisioner.service.ports import Store

RACK = Host("rack1", "qemu+tls://rack1.example/system")
OPEN = Host("old", "qemu+tcp://old.example/system", allow_unsafe=True)


async def test_hosts_are_added_listed_and_removed(store: Store) -> None:
    assert await store.hosts() == []
    await store.add_host(RACK)
    await store.add_host(OPEN)

    assert await store.hosts() == [OPEN, RACK]
    await store.remove_host("old")
    assert await store.hosts() == [RACK]
    with pytest.raises(NotFound, match="no host is called 'old'"):
        await store.remove_host("old")


@pytest.mark.parametrize("taken", [Host("rack1", "qemu:///session"), Host("other", RACK.uri)])
async def test_a_name_or_uri_that_is_taken_is_refused(store: Store, taken: Host) -> None:
    await store.add_host(RACK)

    with pytest.raises(Conflict, match="rack1"):
        await store.add_host(taken)

    assert await store.hosts() == [RACK]
