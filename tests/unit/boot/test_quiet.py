"""What was said a moment ago is not said again, and no flood makes the memory grow."""

from provisioner.boot.quiet import Bucket, Quiet


def test_once_in_a_period_for_each_key() -> None:
    quiet = Quiet(60)

    assert [quiet.first("a", now) for now in (0, 1, 59.9, 60, 61)] == [True, False, False, True, False]
    assert quiet.first("b", 61)


def test_a_flood_of_keys_pushes_the_oldest_out() -> None:
    quiet = Quiet(60, size=3)

    assert all(quiet.first(key, 0) for key in "abcd")
    assert not quiet.first("d", 1)
    assert quiet.first("a", 1)


def test_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = Bucket(rate=10, burst=3)

    assert [bucket.take("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert [bucket.take("a", 0.1), bucket.take("a", 0.1)] == [True, False]
    assert bucket.take("b", 0.1)


def test_bucket_forgets_the_oldest_key() -> None:
    bucket = Bucket(rate=1, burst=1, size=2)

    assert all(bucket.take(key, 0) for key in "abc")
    assert bucket.take("a", 0)
