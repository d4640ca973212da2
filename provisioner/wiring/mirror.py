"""What gives the files of trees: upstreams, and what is kept of them."""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from provisioner.mirror.archives import Archives
from provisioner.mirror.cache import Cache
from provisioner.mirror.client import session
from provisioner.mirror.limits import Limits
from provisioner.mirror.listing import Listings
from provisioner.mirror.mirrorlists import Mirrorlists
from provisioner.mirror.objects import Objects
from provisioner.mirror.origins import Origins
from provisioner.mirror.states import States
from provisioner.mirror.systems import Systems
from provisioner.mirror.trust import Trust
from provisioner.mirror.upstream import Upstream
from provisioner.service.mirror_rules import Rules

if TYPE_CHECKING:
    from provisioner.config import Settings


async def mirror(
    settings: "Settings", rules: Rules, systems: Systems, stack: AsyncExitStack
) -> tuple[Origins, Cache, States, Listings]:
    """The upstreams as they are now, the cache that stands before them, and what tells it by the trees' own
    metadata what each file must be. Raises OSError for its folder.
    """
    client = session()
    stack.push_async_callback(client.close)
    trust = Trust(lambda: [*rules.upstreams(), settings.region, *settings.mirrors.values()])
    upstream = Upstream(client, trust)
    mirrorlists = Mirrorlists(client, trust)
    stack.push_async_callback(mirrorlists.close)
    origins = Origins(
        upstream.open,
        expand=mirrorlists.expand,
        mirrors=rules.mirrors,
        regional=systems.regional,
        limits=Limits(settings.mirror_connections, settings.mirror_bandwidth),
        archives=Archives(systems.bases, settings.mirror_folder / "archives.json"),
    )
    objects = await asyncio.to_thread(Objects, settings.mirror_folder)
    cache = Cache(
        origins,
        objects,
        offline=rules.offline,
        quota=settings.mirror_quota,
        quota_of=rules.quota,
        sources=rules.sources,
        # What an offline tree loses it cannot get again.
        pinned=lambda source: rules.pinned(source) or rules.offline(source),
        own=upstream.hit,
    )
    stack.push_async_callback(cache.close)
    states = States(
        objects,
        origins.open,
        cache.fetch,
        keys=rules.keys,
        blame=origins.blame,
        offline=rules.offline,
    )
    stack.push_async_callback(states.close)
    cache.vouching, cache.doubt = states, states.doubt
    await cache.start()
    return origins, cache, states, Listings(origins.open, upstream.isos)
