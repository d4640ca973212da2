"""Who gets in: the token, one-use keys, signed cookies, and how guessing ends."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.web.gate import LOGIN_KEY, SESSION, WRONG_PER_MINUTE, Gate

TOKEN = "k" * 43


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return Gate(TOKEN, clock)


@pytest.mark.parametrize("token", ["", "short", "k" * 31])
def test_a_weak_token_is_no_gate(token: str, clock: Clock) -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Gate(token, clock)


@pytest.mark.parametrize("token", ["", "-1", "None", TOKEN[:-1], TOKEN + "k", TOKEN.upper(), "\udcff", "kö"])
def test_only_the_token_is_right(gate: Gate, token: str) -> None:
    assert not gate.token_is_right(token)
    assert gate.token_is_right(TOKEN)


def test_the_token_itself_is_not_kept(gate: Gate) -> None:
    assert TOKEN not in repr(vars(gate))


def test_a_key_is_good_once(gate: Gate) -> None:
    key = gate.new_key()

    assert [gate.use_key(key), gate.use_key(key)] == [True, False]


def test_a_key_ages(gate: Gate, clock: Clock) -> None:
    key = gate.new_key()
    clock.go(LOGIN_KEY)

    assert not gate.use_key(key)


def test_old_keys_make_room(gate: Gate) -> None:
    first, *_, last = (gate.new_key() for _ in range(100))

    assert [gate.use_key(first), gate.use_key(last)] == [False, True]


def test_a_cookie_outlives_the_process_and_not_its_week_or_its_token(gate: Gate, clock: Clock) -> None:
    cookie = gate.new_cookie()

    assert Gate(TOKEN, clock).cookie_is_right(cookie)
    assert not Gate("o" * 43, clock).cookie_is_right(cookie)
    clock.go(SESSION)
    assert not gate.cookie_is_right(cookie)
    assert gate.cookie_is_ours(cookie)


def test_a_clock_set_back_makes_no_cookie_live_longer(gate: Gate, clock: Clock) -> None:
    cookie = gate.new_cookie()
    clock.go(-timedelta(days=1))

    assert not gate.cookie_is_right(cookie)


@pytest.mark.parametrize(
    "cookie", ["", ".", "..", "x", "99999999999.a.", "1.2.3", "\udcff.é.\udcff", "0" * 10_000]
)
def test_a_forged_cookie_is_refused(gate: Gate, cookie: str) -> None:
    assert not gate.cookie_is_right(cookie)
    assert not gate.cookie_is_ours(cookie)


def test_no_part_of_a_cookie_can_be_changed(gate: Gate) -> None:
    expires, nonce, mark = gate.new_cookie().split(".")

    for forged in (
        f"{int(expires) + 1}.{nonce}.{mark}",
        f"{expires}.x{nonce}.{mark}",
        f"{expires}.{nonce}.{mark}0",
    ):
        assert not gate.cookie_is_right(forged)


def test_different_guesses_close_the_gate_for_a_minute_to_that_address_only(gate: Gate, clock: Clock) -> None:
    for number in range(WRONG_PER_MINUTE):
        assert not gate.closed_to("192.0.2.1")
        gate.note_wrong("192.0.2.1", f"guess{number}")

    assert gate.closed_to("192.0.2.1")
    assert not gate.closed_to("192.0.2.2")
    clock.go(timedelta(seconds=61))
    assert not gate.closed_to("192.0.2.1")


def test_the_same_mistake_counts_once(gate: Gate) -> None:
    for _ in range(100):
        gate.note_wrong("192.0.2.1", "old token")

    assert not gate.closed_to("192.0.2.1")


def test_memory_has_an_end(gate: Gate) -> None:
    for number in range(5000):
        gate.note_wrong(f"address{number}", "x")

    assert len(gate._wrong) <= 1024
