"""How long installs took, in every store alike."""

from datetime import timedelta

from provisioner.pace.learn import Sample
from provisioner.pace.marks import Mark, Point, Way
from provisioner.service.ports import Store
from tests.fakes import START


def sample(number: int, profile: str = "p") -> Sample:
    points = {Mark.PLANNED: Point(), Mark.INSTALLED: Point(60.5, 99, 2**40, 300, 12)}
    ended = START + timedelta(minutes=number)
    return Sample(f"i{number}", profile, Way("pxe", "uefi", "kvm", "rack1"), ended, points, 4.5)


async def test_samples_are_kept_by_profile_oldest_first(store: Store) -> None:
    for number in (2, 1):
        await store.put_sample(sample(number), keep=10)
    await store.put_sample(sample(3, "other"), keep=10)

    assert await store.samples("p") == [sample(1), sample(2)]
    assert await store.samples("nothing") == []
    assert await store.sampled(["i1", "i3", "i4"]) == {"i1", "i3"}
    assert await store.sampled([]) == frozenset()


async def test_a_sample_taken_again_is_there_once(store: Store) -> None:
    for _ in range(2):
        await store.put_sample(sample(1), keep=10)

    assert await store.samples("p") == [sample(1)]


async def test_only_the_latest_of_a_profile_are_kept(store: Store) -> None:
    await store.put_sample(sample(0, "other"), keep=3)
    for number in range(1, 6):
        await store.put_sample(sample(number), keep=3)

    assert [found.install for found in await store.samples("p")] == ["i3", "i4", "i5"]
    assert len(await store.samples("other")) == 1
