"""Several trees of one source, and the switch of all: the more careful wish counts."""

from pathlib import Path

import pytest

from provisioner.core.errors import Conflict
from provisioner.core.profile import Tree
from provisioner.service.mirror_rules import Rules

SOURCE = "http://m.example/os"


class Kept:
    def __init__(self, *trees: Tree) -> None:
        self.kept = list(trees)

    async def trees(self) -> list[Tree]:
        return self.kept


async def test_the_more_careful_wish_counts(tmp_path: Path) -> None:
    kept = Kept(
        Tree("a", SOURCE, mirrors=("http://n", SOURCE), quota=10, key="one"),
        Tree("b", SOURCE, mirrors=("http://o", "http://n"), quota=5, pinned=True, key="two"),
        Tree("c", "http://other"),
    )
    rules = Rules(kept, tmp_path / "offline")
    assert (rules.quota(SOURCE), rules.sources()) == (0, [])
    await rules.refresh()

    assert rules.mirrors(SOURCE) == ["http://n", "http://o"]
    assert (rules.quota(SOURCE), rules.pinned(SOURCE), rules.offline(SOURCE)) == (5, True, False)
    assert rules.keys(SOURCE) == "one\ntwo"
    assert (rules.quota("http://other"), rules.pinned("http://other"), rules.keys("http://other")) == (
        0,
        False,
        "",
    )
    kept.kept[0] = Tree("a", SOURCE, offline=True)
    await rules.refresh()
    assert (rules.offline(SOURCE), rules.offline("http://other")) == (True, False)


async def test_a_tree_that_is_looked_at_has_its_mirrors_before_it_is_known(tmp_path: Path) -> None:
    rules = Rules(Kept(), tmp_path / "offline")
    with rules.expecting(Tree("a", "http://y", mirrors=("http://n",), key="k"), [SOURCE]):
        assert (rules.mirrors(SOURCE), rules.keys(SOURCE), rules.mirrors("http://y")) == (
            ["http://n"],
            "k",
            [],
        )
    assert rules.mirrors(SOURCE) == []


async def test_the_switch_of_all_outlives_the_service(tmp_path: Path) -> None:
    switch = tmp_path / "mirror" / "offline"
    Rules(Kept(), switch).switch_all(True)

    again = Rules(Kept(), switch)
    assert (again.all_offline, again.offline(SOURCE)) == (True, True)
    again.switch_all(False)
    assert not Rules(Kept(), switch).offline(SOURCE)


async def test_the_setting_is_not_overruled(tmp_path: Path) -> None:
    rules = Rules(Kept(), tmp_path / "offline", offline=True)

    assert rules.offline(SOURCE)
    with pytest.raises(Conflict, match="the setting mirror_offline keeps every tree offline"):
        rules.switch_all(False)
