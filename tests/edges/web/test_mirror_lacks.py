"""What a tree lacks is not there either while its upstream is away: `InRelease`, `updates.img`."""

import asyncio
from pathlib import Path

import pytest

from provisioner.core.profile import Tree
from tests.edges.mirror.answer import refused
from tests.edges.web.mirrored import TREE, mirrored

LACKING = "images/updates.img"


@pytest.mark.parametrize("status", [0, 503])
async def test_what_a_tree_lacks_it_lacks_too_while_its_upstream_is_away(
    tmp_path: Path, empty_database: Path, status: int
) -> None:
    (tmp_path / "second").mkdir()
    async with mirrored(tmp_path, empty_database) as first:
        assert (await first.take(LACKING)).status == 404
        if status:
            first.origin.script = {f"/{LACKING}": [refused(status)], "/other": [refused(status)]}
        else:
            await first.origin.stop()
        for _ in range(2):
            await asyncio.sleep(1.1)  # longer than any answer is taken for that of a moment ago
            assert (await first.take(LACKING)).status == 404
        assert (await first.take("other")).status in (502, 504)
        await first.cache.close()
        async with mirrored(tmp_path / "second", empty_database, place=first.place) as second:
            await second.cache.start()
            await second.world.store.put_tree(Tree(TREE, first.origin.url, "rhel", "7", "vmlinuz", "initrd"))
            assert (await second.take(LACKING)).status == 404
            assert (await second.take("other")).status in (502, 504)
