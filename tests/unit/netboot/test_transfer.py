"""A TFTP transfer without sockets: options, windows, loss, repeats, the end."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.netboot.transfer import ACKED, Policy, Terms, Transfer, agree, on_wire

AGREED = {
    "none": ({}, Terms()),
    "iPXE": ({"blksize": "1432", "tsize": "0"}, Terms(1432, 1, None, {"blksize": 1432, "tsize": 3000})),
    "EDK2": (
        {"tsize": "0", "blksize": "1468", "windowsize": "4"},
        Terms(1468, 4, None, {"blksize": 1468, "tsize": 3000, "windowsize": 4}),
    ),
    "larger than a frame": ({"blksize": "8192"}, Terms(1468, 1, None, {"blksize": 1468})),
    "larger than we like": ({"windowsize": "65535"}, Terms(512, 64, None, {"windowsize": 64})),
    "timeout": ({"timeout": "7"}, Terms()),
    "only tsize": ({"tsize": "0"}, Terms(512, 1, None, {"tsize": 3000})),
    "unknown alone": ({"multicast": "x", "rollover": "1"}, Terms()),
    "letters": ({"blksize": "abc", "tsize": "-1", "windowsize": "1e3", "timeout": "²"}, Terms()),
    "out of range": ({"blksize": "7", "windowsize": "0", "timeout": "256"}, Terms()),
    "beyond range": ({"blksize": "65465", "windowsize": "65536", "timeout": "0"}, Terms()),
    "digits without end": ({"blksize": "9" * 400}, Terms()),
}


@pytest.mark.parametrize(("options", "terms"), AGREED.values(), ids=AGREED)
def test_options(options: Mapping[str, str], terms: Terms) -> None:
    assert agree(options, 3000, Policy()) == terms


@pytest.mark.parametrize(("asked", "granted"), [("1", 1), ("255", 255), ("0", None), ("256", None)])
def test_a_timer_of_the_clients_own_by_policy(asked: str, granted: int | None) -> None:
    assert agree({"timeout": asked}, 3000, Policy(timeout=True)).timeout == granted


def test_lock_step_without_options() -> None:
    transfer = Transfer(1300, Terms())

    assert list(transfer.start(0.0)) == [1]
    assert list(transfer.acknowledged(1, 0.1)) == [2]
    assert list(transfer.acknowledged(2, 0.2)) == [3]
    assert list(transfer.acknowledged(3, 0.3)) == []
    assert (transfer.outcome, transfer.delivered, transfer.retransmissions) == ("sent", 1300, 0)


@pytest.mark.parametrize(("size", "blocks"), [(0, 1), (511, 1), (512, 2), (513, 2), (1024, 3)])
def test_there_is_a_last_block_even_if_it_is_empty(size: int, blocks: int) -> None:
    transfer = Transfer(size, Terms())
    flight, sent = transfer.start(0.0), 1
    while transfer.outcome == "running":
        flight = transfer.acknowledged(flight[-1], 0.0)
        sent += len(flight)

    assert sent == transfer.last == blocks


def test_an_oack_is_block_0_and_waits_for_its_ack() -> None:
    transfer = Transfer(100, Terms(granted={"tsize": 100}))

    assert list(transfer.start(0.0)) == [0]
    assert list(transfer.acknowledged(1, 0.1)) == []
    assert list(transfer.acknowledged(65535, 0.1)) == []
    assert list(transfer.acknowledged(0, 0.1)) == [1]


def test_a_duplicate_ack_never_causes_data() -> None:
    transfer = Transfer(5000, Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.01)

    for stale in (1, 1, 0, 65535, 3, 40000):
        assert list(transfer.acknowledged(stale, 0.02)) == []
        assert transfer.fast != ACKED + stale
    assert list(transfer.acknowledged(2, 0.02)) == [3]


def test_a_window_goes_on_from_where_the_client_lost_it() -> None:
    transfer = Transfer(512 * 20, Terms(window=4))
    assert list(transfer.start(0.0)) == [1, 2, 3, 4]

    assert list(transfer.acknowledged(2, 0.1)) == [3, 4, 5, 6]
    assert list(transfer.acknowledged(2, 0.1)) == []
    assert list(transfer.acknowledged(6, 0.2)) == [7, 8, 9, 10]
    assert (transfer.retransmissions, transfer.gaps) == (2, 1)


@pytest.mark.parametrize(("rollover", "after"), [(0, [65535, 0, 1]), (1, [65535, 1, 2])])
def test_block_numbers_roll_over(rollover: int, after: list[int]) -> None:
    transfer = Transfer(8 * 140_000 + 3, Terms(blksize=8), rollover)
    flight, seen = transfer.start(0.0), 0
    while transfer.outcome == "running":
        seen += 1
        assert list(flight) == [seen]
        flight = transfer.acknowledged(on_wire(seen, rollover), 0.0)

    assert seen == 140_001
    assert transfer.delivered == 8 * 140_000 + 3
    assert [on_wire(block, rollover) for block in (65535, 65536, 65537)] == after


def test_a_window_across_the_rollover() -> None:
    transfer = Transfer(8 * 65600, Terms(blksize=8, window=16))
    transfer.start(0.0)
    for acknowledged in range(16, 65521, 16):
        transfer.acknowledged(acknowledged, 0.0)

    assert list(transfer.acknowledged(65528, 0.0)) == [*range(65529, 65545)]
    assert list(transfer.acknowledged(3, 0.0)) == [*range(65540, 65556)]


@pytest.mark.parametrize("rollover", [0, 1])
@pytest.mark.parametrize("window", [1, 5, 16, 64])
def test_the_fast_way_is_what_acknowledged_would_have_done(window: int, rollover: int) -> None:
    size, terms = 8 * 140_000, Terms(8, window)
    slow, quick, fast, now = Transfer(size, terms, rollover), Transfer(size, terms, rollover), 0, 0.0
    slow.start(now)
    quick.start(now)
    while slow.outcome == "running":
        now += 0.01
        number = on_wire(slow.sent, rollover)
        flight = slow.acknowledged(number, now)
        if quick.fast == ACKED + number:
            assert flight == range(quick.sent + 1, quick.sent + 1 + quick.window)
            quick.step(now)
            fast += 1
        else:
            assert quick.acknowledged(number, now) == flight
        assert (quick.base, quick.sent, quick.outcome) == (slow.base, slow.sent, slow.outcome)
        assert quick.deadline == pytest.approx(slow.deadline)

    assert fast > 140_000 // window * 0.9


def test_there_is_no_fast_way_before_the_first_ack() -> None:
    transfer = Transfer(5120, Terms(granted={"tsize": 5120}))
    transfer.start(0.0)
    assert transfer.fast == -1
    transfer.acknowledged(0, 0.1)
    assert transfer.fast == ACKED + 1


def test_there_is_no_fast_way_to_the_last_block_nor_after_a_repeat() -> None:
    transfer = Transfer(512 * 3, Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.1)
    assert transfer.fast == ACKED + 2
    transfer.expired(transfer.deadline)
    assert transfer.fast == -1
    transfer.acknowledged(2, 1.0)
    assert (transfer.fast, transfer.sent, transfer.last) == (-1, 3, 4)


def test_the_timer_follows_the_round_trip() -> None:
    transfer = Transfer(50000, Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.1)
    assert transfer.deadline == pytest.approx(0.1 + 0.3)

    fast = Transfer(50000, Terms())
    fast.start(0.0)
    fast.acknowledged(1, 0.001)
    assert fast.deadline == pytest.approx(0.001 + 0.02)
    assert fast.round_trip == pytest.approx(0.001)


def test_a_slow_path_is_measured_although_its_first_packets_were_repeated() -> None:
    transfer = Transfer(50000, Terms())
    transfer.start(0.0)
    now = 0.0
    for number in range(1, 20):
        arrives = now + 1.5
        while transfer.deadline < arrives:
            assert list(transfer.expired(transfer.deadline)) == [number]
        now = arrives
        transfer.acknowledged(number, now)

    assert transfer.retransmissions <= 6


def test_a_stranger_gets_six_datagrams() -> None:
    transfer = Transfer(5000, Terms())
    sent = [*transfer.start(0.0)]
    while transfer.outcome == "running":
        sent += transfer.expired(transfer.deadline)

    assert sent == [1] * 6
    assert transfer.outcome == "silent"


def test_a_client_that_was_heard_has_8_tries_and_20_seconds() -> None:
    transfer = Transfer(5000, Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.001)
    tries = 0
    while transfer.expired(transfer.deadline):
        tries += 1

    assert transfer.outcome == "silent"
    assert tries >= 8
    assert 20 <= transfer.deadline <= 30


def test_the_patience_counts_from_the_last_ack_of_the_fast_way() -> None:
    transfer = Transfer(512 * 40, Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.001)
    for block in range(2, 16):
        transfer.step(block * 1000.0)
    while transfer.expired(transfer.deadline):
        pass

    assert transfer.outcome == "silent"
    assert 15_020 <= transfer.deadline <= 15_030


def test_the_timer_asked_for_is_the_timer_used() -> None:
    transfer = Transfer(5000, Terms(timeout=2))
    transfer.start(0.0)
    assert transfer.deadline == 2.0
    transfer.expired(2.0)
    assert transfer.deadline == 4.0


def test_a_lost_last_ack_counts_as_sent_and_frees_the_session() -> None:
    transfer = Transfer(100, Terms(granted={"tsize": 100}))
    transfer.start(0.0)
    sent = [*transfer.acknowledged(0, 0.001)]
    while transfer.outcome == "running":
        sent += transfer.expired(transfer.deadline)

    assert transfer.outcome == "unconfirmed"
    assert sent == [1] * 6
    assert transfer.deadline <= 10
    assert transfer.delivered == 100


def test_an_error_before_the_first_block_was_only_a_question_for_the_size() -> None:
    transfer = Transfer(5000, Terms(granted={"tsize": 5000}))
    transfer.start(0.0)
    transfer.failed(8, "User aborted")
    assert (transfer.outcome, transfer.delivered) == ("probe", 0)

    later = Transfer(5000, Terms(granted={"tsize": 5000}))
    later.start(0.0)
    later.acknowledged(0, 0.1)
    later.acknowledged(1, 0.1)
    later.failed(3, "disk full")
    assert (later.outcome, later.said) == ("aborted", "error 3 disk full")


def test_nothing_happens_after_the_end() -> None:
    transfer = Transfer(0, Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.1)

    assert list(transfer.acknowledged(1, 0.2)) == []
    assert list(transfer.expired(99.0)) == []
    transfer.failed(1, "late")
    assert transfer.outcome == "sent"


class Client:
    """A reader after RFC 1350 and 7440 behind a channel that drops, repeats and delays."""

    def __init__(self, last: int, window: int, chance: random.Random, loss: float) -> None:
        self.got: list[int] = []
        self.done = False
        self._last = last
        self._window = window
        self._since = 0
        self._chance = chance
        self._loss = loss

    def takes(self, block: int) -> list[int]:
        """The ACKs that reach the server after this block."""
        if self._chance.random() < self._loss:
            return []
        if block == 0:
            return self._acks(0)
        expected = len(self.got) + 1
        if block != expected or self.done:
            if 0 < block - expected < self._window and self._since >= 0:
                self._since = -1  # one ACK for a gap, then wait for the window's repeat
                return self._acks(expected - 1)
            return self._acks(expected - 1) if block < expected or self.done else []
        self.got.append(block)
        self._since = max(self._since, 0) + 1
        self.done = block == self._last
        if self.done or self._since >= self._window:
            self._since = 0
            return self._acks(block)
        return []

    def _acks(self, number: int) -> list[int]:
        copies = 1 + (self._chance.random() < 0.1)
        return [number & 0xFFFF for _ in range(copies) if self._chance.random() >= self._loss]


@given(
    size=st.integers(0, 40_000),
    blksize=st.sampled_from([8, 512, 1432]),
    window=st.sampled_from([1, 4, 16]),
    options=st.booleans(),
    loss=st.sampled_from([0.0, 0.01, 0.1, 0.3]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150)
def test_a_file_arrives_whole_through_a_bad_channel(
    size: int, blksize: int, window: int, options: bool, loss: float, seed: int
) -> None:
    chance = random.Random(seed)
    transfer = Transfer(size, Terms(blksize, window, None, {"blksize": blksize} if options else None))
    client = Client(transfer.last, window, chance, loss)
    now, flight = 0.0, list(transfer.start(0.0))
    while transfer.outcome == "running":
        acks = [number for block in flight for number in client.takes(block)]
        flight = []
        for number in acks:
            now += 0.0001
            if ACKED + number == transfer.fast:
                flight += range(transfer.sent + 1, transfer.sent + 1 + transfer.window)
                transfer.step(now)
            else:
                flight += transfer.acknowledged(number, now)
        if not flight and transfer.outcome == "running":
            now = max(now, transfer.deadline)
            flight += transfer.expired(now)

    if transfer.outcome == "sent":
        assert client.done
    assert client.got == [*range(1, len(client.got) + 1)]
    if loss <= 0.01:
        assert transfer.outcome in ("sent", "unconfirmed")
        assert client.done


@pytest.mark.parametrize("window", [1, 8])
def test_every_ack_twice_costs_no_extra_data(window: int) -> None:
    transfer = Transfer(512 * 300, Terms(window=window))
    flight = transfer.start(0.0)
    sent = len(flight)
    while transfer.outcome == "running":
        number = flight[-1]
        flight = transfer.acknowledged(number, 0.0)
        assert list(transfer.acknowledged(number, 0.0)) == []
        sent += len(flight)

    assert sent == 301


@pytest.mark.parametrize("late", [False, True])
def test_what_was_lost_is_told_from_what_came_late(late: bool) -> None:
    transfer = Transfer(512 * 50, Terms())
    transfer.start(0.0)
    for block in range(1, 51):
        if block % 5 == 0:
            transfer.expired(transfer.deadline)
        transfer.acknowledged(block, transfer.deadline)
        if late and block % 5 == 0:
            transfer.acknowledged(block, transfer.deadline)  # of the second copy

    assert transfer.retransmissions == 10
    assert (transfer.losses, transfer.lossy) == ((0, False) if late else (10, True))


def test_a_few_losses_are_no_lossy_wire() -> None:
    transfer = Transfer(512 * 1000, Terms(window=16))
    transfer.start(0.0)
    while transfer.outcome == "running":
        transfer.acknowledged(min(transfer.base + (5 if transfer.gaps < 10 else 16), transfer.sent), 0.1)

    assert (transfer.losses, transfer.lossy) == (10, False)
