"""The threads that blocking calls run in: bounded, free again, and quiet once they are given up."""

import asyncio
import threading
import time

import pytest

from provisioner.hypervisor.threads import Threads
from tests.edges.hypervisor.samples import eventually


def running(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


async def test_calls_give_results_and_errors() -> None:
    threads = Threads(2, "results")

    assert await threads.submit(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.submit(lambda: 1 // 0)

    threads.close()
    await eventually(lambda: running("results") == 0)


async def test_there_are_never_more_than_were_allowed() -> None:
    threads, release = Threads(3, "bounded"), threading.Event()
    calls = [threads.submit(release.wait) for _ in range(20)]
    await asyncio.sleep(0.1)
    most = running("bounded")
    release.set()
    await asyncio.gather(*calls)

    assert most == 3
    threads.close()
    await eventually(lambda: running("bounded") == 0)


async def test_one_thread_is_enough_for_calls_after_each_other() -> None:
    threads = Threads(8, "alone")
    for _ in range(20):
        await threads.submit(lambda: None)
        await asyncio.sleep(0.005)

    assert running("alone") <= 2
    threads.close()


async def test_a_call_that_was_cancelled_before_its_turn_is_never_made() -> None:
    threads, release, made = Threads(1, "cancelled"), threading.Event(), list[int]()
    first = threads.submit(release.wait)
    second = threads.submit(lambda: made.append(2))
    second.cancel()
    release.set()
    await first
    await threads.submit(lambda: made.append(3))

    assert made == [3]
    threads.close()


async def test_what_comes_back_after_it_was_given_up_does_nothing_more() -> None:
    """As a call that a frozen daemon held: its remaining steps would undo the undoing."""
    threads, release, done = Threads(2, "late"), threading.Event(), list[str]()

    def step_by_step() -> None:
        done.append("first")
        while not release.is_set():
            time.sleep(0.01)
        try:
            done.append("second")
        except Exception:
            done.append("swallowed")

    threads.submit(step_by_step, changes=True)
    idle = threads.submit(lambda: None)
    await idle
    await eventually(lambda: done == ["first"])
    threads.give_up()
    release.set()
    await eventually(lambda: running("late") == 0)

    assert done == ["first"]


async def test_a_question_that_was_given_up_goes_on_to_its_end() -> None:
    threads, release, done = Threads(1, "question"), threading.Event(), list[str]()

    def question() -> None:
        release.wait()
        done.append("answered")

    threads.submit(question)
    await eventually(lambda: running("question") == 1)
    threads.give_up()
    release.set()
    await eventually(lambda: running("question") == 0)

    assert done == ["answered"]
