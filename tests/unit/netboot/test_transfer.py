"""A TFTP transfer without sockets: options, windows, loss, repeats, the end."""

import random
import struct
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.netboot.transfer import Terms, Transfer, agree

NOTHING: Mapping[str, str] = {}


def block(packet: bytes) -> int:
    opcode, number = struct.unpack_from("!HH", packet)
    assert opcode == 3
    return int(number)


def numbers(packets: list[bytes]) -> list[int]:
    return [block(packet) for packet in packets]


AGREED = {
    "none": ({}, Terms()),
    "iPXE": ({"blksize": "1432", "tsize": "0"}, Terms(1432, 1, None, {"blksize": 1432, "tsize": 3000})),
    "EDK2": (
        {"tsize": "0", "blksize": "1468", "windowsize": "4"},
        Terms(1468, 4, None, {"blksize": 1468, "tsize": 3000, "windowsize": 4}),
    ),
    "larger than a frame": ({"blksize": "8192"}, Terms(1468, 1, None, {"blksize": 1468})),
    "larger than we like": ({"windowsize": "65535"}, Terms(512, 64, None, {"windowsize": 64})),
    "timeout": ({"timeout": "7"}, Terms(512, 1, 7, {"timeout": 7})),
    "only tsize": ({"tsize": "0"}, Terms(512, 1, None, {"tsize": 3000})),
    "unknown alone": ({"multicast": "x", "rollover": "1"}, Terms()),
    "letters": ({"blksize": "abc", "tsize": "-1", "windowsize": "1e3", "timeout": "²"}, Terms()),
    "out of range": ({"blksize": "7", "windowsize": "0", "timeout": "256"}, Terms()),
    "beyond range": ({"blksize": "65465", "windowsize": "65536", "timeout": "0"}, Terms()),
    "digits without end": ({"blksize": "9" * 400}, Terms()),
}


@pytest.mark.parametrize(("options", "terms"), AGREED.values(), ids=AGREED)
def test_options(options: Mapping[str, str], terms: Terms) -> None:
    assert agree(options, 3000, 1468) == terms


def test_lock_step_without_options() -> None:
    transfer = Transfer(bytes(1300), Terms())

    assert numbers(transfer.start(0.0)) == [1]
    assert numbers(transfer.acknowledged(1, 0.1)) == [2]
    last = transfer.acknowledged(2, 0.2)
    assert (numbers(last), len(last[0])) == ([3], 4 + 1300 - 1024)
    assert transfer.acknowledged(3, 0.3) == []
    assert (transfer.outcome, transfer.delivered, transfer.retransmissions) == ("sent", 1300, 0)


@pytest.mark.parametrize(("size", "blocks"), [(0, 1), (511, 1), (512, 2), (513, 2), (1024, 3)])
def test_the_last_block_is_shorter_even_if_it_is_empty(size: int, blocks: int) -> None:
    transfer = Transfer(bytes(size), Terms())
    packets = transfer.start(0.0)
    sent = 1
    while transfer.outcome == "running":
        last = packets[0]
        packets = transfer.acknowledged(block(last), 0.0)
        sent += len(packets)

    assert sent == blocks
    assert len(last) == 4 + size % 512


def test_an_oack_waits_for_ack_0() -> None:
    transfer = Transfer(b"x" * 100, Terms(granted={"tsize": 100}))

    assert transfer.start(0.0) == [b"\0\6tsize\x00100\0"]
    assert transfer.acknowledged(1, 0.1) == []
    assert numbers(transfer.acknowledged(0, 0.1)) == [1]


def test_a_duplicate_ack_never_causes_data() -> None:
    transfer = Transfer(bytes(5000), Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.01)

    for stale in (1, 1, 0, 65535, 3, 40000):
        assert transfer.acknowledged(stale, 0.02) == []
    assert numbers(transfer.acknowledged(2, 0.02)) == [3]


def test_a_window_goes_on_from_where_the_client_lost_it() -> None:
    transfer = Transfer(bytes(512 * 20), Terms(window=4))
    assert numbers(transfer.start(0.0)) == [1, 2, 3, 4]

    assert numbers(transfer.acknowledged(2, 0.1)) == [3, 4, 5, 6]
    assert transfer.acknowledged(2, 0.1) == []
    assert numbers(transfer.acknowledged(6, 0.2)) == [7, 8, 9, 10]
    assert transfer.retransmissions == 2


def test_block_numbers_roll_over_to_0() -> None:
    transfer = Transfer(bytes(8 * 70000 + 3), Terms(blksize=8))
    packets, seen = transfer.start(0.0), 0
    while transfer.outcome == "running":
        seen += 1
        assert block(packets[0]) == seen & 0xFFFF
        packets = transfer.acknowledged(seen & 0xFFFF, 0.0)

    assert seen == 70001
    assert transfer.delivered == 8 * 70000 + 3


def test_a_window_across_the_rollover() -> None:
    transfer = Transfer(bytes(8 * 65600), Terms(blksize=8, window=16))
    transfer.start(0.0)
    for acknowledged in range(16, 65521, 16):
        transfer.acknowledged(acknowledged, 0.0)

    assert numbers(transfer.acknowledged(65528, 0.0)) == [*range(65529, 65536), *range(9)]
    assert numbers(transfer.acknowledged(3, 0.0)) == [*range(4, 20)]


def test_the_timer_follows_the_round_trip() -> None:
    transfer = Transfer(bytes(50000), Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.1)
    assert transfer.deadline == pytest.approx(0.1 + 0.3)

    fast = Transfer(bytes(50000), Terms())
    fast.start(0.0)
    fast.acknowledged(1, 0.001)
    assert fast.deadline == pytest.approx(0.001 + 0.02)


def test_a_slow_path_is_measured_although_its_first_packets_were_repeated() -> None:
    transfer = Transfer(bytes(50000), Terms())
    now, packets = 0.0, transfer.start(0.0)
    for number in range(1, 20):
        arrives = now + 1.5
        while transfer.deadline < arrives:
            packets = transfer.expired(transfer.deadline)
            assert numbers(packets) == [number]
        now = arrives
        transfer.acknowledged(number, now)

    assert transfer.retransmissions <= 6


def test_a_stranger_gets_six_datagrams() -> None:
    transfer = Transfer(bytes(5000), Terms())
    packets = transfer.start(0.0)
    while transfer.outcome == "running":
        packets += transfer.expired(transfer.deadline)

    assert numbers(packets) == [1] * 6
    assert transfer.outcome == "silent"


def test_a_client_that_was_heard_has_8_tries_and_20_seconds() -> None:
    transfer = Transfer(bytes(5000), Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.001)
    tries = 0
    while transfer.expired(transfer.deadline):
        tries += 1

    assert transfer.outcome == "silent"
    assert tries >= 8
    assert 20 <= transfer.deadline <= 30


def test_the_timer_asked_for_is_the_timer_used() -> None:
    transfer = Transfer(bytes(5000), Terms(timeout=2))
    transfer.start(0.0)
    assert transfer.deadline == 2.0
    transfer.expired(2.0)
    assert transfer.deadline == 4.0


def test_a_lost_last_ack_counts_as_sent_and_frees_the_session() -> None:
    transfer = Transfer(bytes(100), Terms(granted={"tsize": 100}))
    transfer.start(0.0)
    sent = transfer.acknowledged(0, 0.001)
    while transfer.outcome == "running":
        sent += transfer.expired(transfer.deadline)

    assert transfer.outcome == "unconfirmed"
    assert numbers(sent) == [1] * 6
    assert transfer.deadline <= 10
    assert transfer.delivered == 100


def test_an_error_before_the_first_block_was_only_a_question_for_the_size() -> None:
    transfer = Transfer(bytes(5000), Terms(granted={"tsize": 5000}))
    transfer.start(0.0)
    transfer.failed(8, "User aborted")
    assert transfer.outcome == "probe"

    later = Transfer(bytes(5000), Terms(granted={"tsize": 5000}))
    later.start(0.0)
    later.acknowledged(0, 0.1)
    later.acknowledged(1, 0.1)
    later.failed(3, "disk full")
    assert (later.outcome, later.said) == ("aborted", "error 3 disk full")


def test_nothing_happens_after_the_end() -> None:
    transfer = Transfer(b"", Terms())
    transfer.start(0.0)
    transfer.acknowledged(1, 0.1)

    assert transfer.acknowledged(1, 0.2) == []
    assert transfer.expired(99.0) == []
    transfer.failed(1, "late")
    assert transfer.outcome == "sent"


class Client:
    """A reader after RFC 1350 and 7440 behind a channel that drops, repeats and delays."""

    def __init__(self, blksize: int, window: int, chance: random.Random, loss: float) -> None:
        self.got = b""
        self.done = False
        self._blksize = blksize
        self._window = window
        self._expected = 1
        self._since = 0
        self._chance = chance
        self._loss = loss

    def takes(self, packet: bytes) -> list[int]:
        """The ACKs that reach the server after this packet."""
        if self._chance.random() < self._loss:
            return []
        if packet[1] == 6:
            return self._acks(0)
        number, payload = block(packet), packet[4:]
        if number != self._expected & 0xFFFF or self.done:
            gap = (number - self._expected) & 0xFFFF
            if 0 < gap < self._window and self._since >= 0:
                self._since = -1  # one ACK for a gap, then wait for the window's repeat
                return self._acks(self._expected - 1)
            return self._acks(self._expected - 1) if gap > 0x8000 or self.done else []
        self.got += payload
        self._expected += 1
        self._since = max(self._since, 0) + 1
        self.done = len(payload) < self._blksize
        if self.done or self._since >= self._window:
            self._since = 0
            return self._acks(number)
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
    content = chance.randbytes(size)
    transfer = Transfer(content, Terms(blksize, window, None, {"blksize": blksize} if options else None))
    client = Client(blksize, window, chance, loss)
    now, flight = 0.0, transfer.start(0.0)
    while transfer.outcome == "running":
        acks = [number for packet in flight for number in client.takes(packet)]
        flight = []
        for number in acks:
            now += 0.0001
            flight += transfer.acknowledged(number, now)
        if not flight and transfer.outcome == "running":
            now = max(now, transfer.deadline)
            flight = transfer.expired(now)

    if transfer.outcome == "sent":
        assert client.done
    assert content.startswith(client.got)
    if client.done:
        assert client.got == content
    if loss <= 0.01:
        assert transfer.outcome in ("sent", "unconfirmed")
        assert client.got == content


def test_every_ack_twice_costs_no_extra_data() -> None:
    transfer = Transfer(bytes(512 * 300), Terms())
    flight, sent = transfer.start(0.0), 1
    while transfer.outcome == "running":
        number = block(flight[0])
        flight = transfer.acknowledged(number, 0.0)
        assert transfer.acknowledged(number, 0.0) == []
        sent += len(flight)

    assert sent == 301
