"""Profiles, trees, images and repairs, in every store alike."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.network import Repair
from provisioner.core.profile import Image, Profile, Tree
from provisioner.service.ports import Store

PROFILE = Profile(
    "mine", "rhel", "c7", "rhel/c7.ks.j2", "7", "quiet", "img", 2048, 2, 2.5, {"a": [1, "x"]}, "my own"
)
TREE = Tree("c7", "http://mirror/7", "rhel", "7", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")
IMAGE = Image("debian12", "debian12.tar.zst", "ab" * 32, 5 * 1024**3, 9 * 1024**3, True, "Debian 12")


async def test_profiles_are_new_or_replaced_as_asked(store: Store) -> None:
    with pytest.raises(NotFound, match="mine"):
        await store.put_profile(PROFILE, new=False)
    await store.put_profile(PROFILE, new=True)
    assert await store.profile("mine") == PROFILE
    with pytest.raises(Conflict, match="mine"):
        await store.put_profile(PROFILE, new=True)
    await store.put_profile(replace(PROFILE, memory=4096), new=False)
    assert [p.memory for p in await store.profiles()] == [4096]
    await store.remove_profile("mine")
    with pytest.raises(NotFound, match="mine"):
        await store.remove_profile("mine")
    with pytest.raises(NotFound, match="mine"):
        await store.profile("mine")


async def test_trees_and_images_are_put_replaced_and_removed(store: Store) -> None:
    await store.put_tree(TREE)
    kept = replace(
        TREE, mirrors=("ftp://a:b@c/d", "http://e"), offline=True, pinned=True, quota=2**40, key="-----\nx\n"
    )
    await store.put_tree(kept)
    assert await store.tree("c7") == kept
    await store.put_tree(replace(TREE, source="/srv/7"))
    await store.put_image(IMAGE)
    await store.put_image(IMAGE)

    assert await store.trees() == [await store.tree("c7")] == [replace(TREE, source="/srv/7")]
    assert await store.images() == [await store.image("debian12")] == [IMAGE]
    await store.remove_tree("c7")
    await store.remove_image("debian12")
    for gone in (store.tree("c7"), store.remove_tree("c7")):
        with pytest.raises(NotFound, match="no tree is called 'c7'"):
            await gone
    for missing in (store.image("debian12"), store.remove_image("debian12")):
        with pytest.raises(NotFound, match="no image is called 'debian12'"):
            await missing


async def test_repairs_are_one_of_a_kind_on_a_device(store: Store) -> None:
    proxy, macvlan = Repair("proxy", "br0"), Repair("macvlan", "eth0", mac="52:54:00:00:00:99")
    await store.put_repair(proxy)
    await store.put_repair(macvlan)
    await store.put_repair(replace(macvlan, address="10.0.0.5/24"))

    assert await store.repairs() == [proxy, replace(macvlan, address="10.0.0.5/24")]
    await store.remove_repair(proxy)
    await store.remove_repair(proxy)
    assert [repair.kind for repair in await store.repairs()] == ["macvlan"]
