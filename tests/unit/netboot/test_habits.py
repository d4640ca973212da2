"""What is granted to a client whose path could not carry what it was granted before."""

from provisioner.netboot.habits import Habits
from provisioner.netboot.transfer import Policy, Terms, Transfer

POLICY = Policy(blksize=1468)
THERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def test_blocks_that_never_arrive_are_smaller_next_time() -> None:
    habits = Habits(POLICY)
    transfer = Transfer(5000, Terms(1468, 4, None, {"blksize": 1468, "windowsize": 4}))
    transfer.start(0.0)
    transfer.acknowledged(0, 0.001)
    while transfer.outcome == "running":
        transfer.expired(transfer.deadline)
    habits.learn(THERE, transfer)

    assert habits.policy(THERE).blksize == 512
    assert habits.policy(ELSEWHERE) == POLICY


def test_what_was_learned_is_forgotten_ten_minutes_later() -> None:
    now = 1000.0
    habits = Habits(POLICY, lambda: now)
    transfer = Transfer(512 * 400, Terms(512, 64))
    transfer.gaps = 3
    habits.learn(THERE, transfer)

    now += 599
    assert habits.policy(THERE).window == 32
    now += 1
    assert habits.policy(THERE) == POLICY


def test_a_client_that_fell_silent_later_keeps_its_blocks() -> None:
    habits = Habits(POLICY)
    transfer = Transfer(5000, Terms(1468, 1, None, {"blksize": 1468}))
    transfer.start(0.0)
    transfer.acknowledged(0, 0.001)
    transfer.acknowledged(1, 0.002)
    while transfer.outcome == "running":
        transfer.expired(transfer.deadline)
    habits.learn(THERE, transfer)

    assert transfer.outcome == "silent"
    assert habits.policy(THERE) == POLICY


def test_a_window_that_arrives_with_gaps_is_halved_down_to_four() -> None:
    habits = Habits(POLICY)
    for window in (64, 32, 16, 8, 4):
        assert habits.policy(THERE).window == window
        transfer = Transfer(512 * 400, Terms(512, window))
        transfer.start(0.0)
        for _ in range(3):
            transfer.acknowledged(transfer.base + 1, 0.1)
        habits.learn(THERE, transfer)

    assert habits.policy(THERE).window == 4
    assert habits.policy(ELSEWHERE) == POLICY


def test_only_the_clients_seen_last_are_remembered() -> None:
    habits = Habits(POLICY)
    transfer = Transfer(512 * 400, Terms(512, 64))
    transfer.gaps = 3
    for number in range(5000):
        habits.learn(f"client {number}", transfer)

    assert habits.policy("client 0") == POLICY
    assert habits.policy("client 4999").window == 32


def test_gaps_here_and_there_are_of_the_wire_and_change_nothing() -> None:
    habits = Habits(POLICY)
    transfer = Transfer(512 * 3000, Terms(512, 16))
    transfer.start(0.0)
    while transfer.outcome == "running":
        transfer.acknowledged(
            min(transfer.base + (7 if transfer.gaps < 60 else 16), transfer.sent) & 0xFFFF, 0.1
        )
    habits.learn(THERE, transfer)

    assert transfer.gaps >= 60
    assert habits.policy(THERE) == POLICY
