"""What people ask of the mirror, and what goes on beside it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from provisioner.mirror.cache import Cache
from provisioner.mirror.contents import Contents
from provisioner.mirror.objects import Objects
from provisioner.mirror.origins import Origins
from provisioner.mirror.states import States
from provisioner.mirror.stock import Stock
from provisioner.mirror.tree import Reader
from provisioner.service.answers import Answers
from provisioner.service.mirror import Mirror
from provisioner.service.mirror_packages import Selection
from provisioner.service.mirror_rules import Rules
from provisioner.service.mirror_snippets import MirrorSnippets
from provisioner.service.profiles import Profiles
from provisioner.service.recognition import Wanted, look
from provisioner.service.trees import Trees
from provisioner.web.services_mirror import MirrorCases
from provisioner.wiring.ground import end, now

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.core.profile import Tree

_log = logging.getLogger("provisioner")


def stock(settings: "Settings") -> Stock:
    """What is kept, beside the cache that serves it."""
    return Stock(Objects(settings.mirror_folder), settings.mirror_folder)


async def cases(
    settings: "Settings",
    rules: Rules,
    origins: Origins,
    cache: Cache,
    states: States,
    trees: Trees,
    profiles: Profiles,
    answers: Answers,
    served: Callable[[], Mapping[str, str]],
    stack: AsyncExitStack,
) -> MirrorCases:
    """What people ask of the mirror, and the scrub beside it."""
    contents, reader = Contents(cache.open), Reader(cache)

    async def parts(tree: "Tree") -> Sequence[str]:
        known = Wanted(tree.arch, tree.family, tree.release)
        facts = (await look(reader, tree.source, known)).facts
        return facts.parts if facts else ()

    select = Selection(profiles, answers, contents)
    kept = stock(settings)
    mirror = Mirror(trees, rules, cache, kept, contents, origins, select, parts, now, notes=states.told)
    stack.push_async_callback(mirror.syncs.close)
    if settings.mirror_scrub:
        scrub = mirror.scrub(settings.mirror_scrub, lambda said: _log.warning("%s", said))
        stack.push_async_callback(end, asyncio.create_task(scrub))
    snippets = MirrorSnippets(trees, reader, served, settings.http_port, now, settings.guest_address)
    return MirrorCases(mirror, snippets)
