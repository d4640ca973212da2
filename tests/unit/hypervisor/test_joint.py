"""Who shares an answer, and who gets one of their own."""

import asyncio

import pytest

from provisioner.hypervisor.joint import Joint


class Question:
    """Each time it is put it waits for `go`, and gives how often it was put."""

    def __init__(self) -> None:
        self.put = 0
        self.go = asyncio.Event()
        self.trouble: Exception | None = None

    async def __call__(self) -> int:
        self.put += 1
        mine = self.put
        await self.go.wait()
        if self.trouble is not None:
            raise self.trouble
        return mine


async def test_all_who_come_before_it_is_put_share_it() -> None:
    question = Question()
    joint = Joint(question)
    question.go.set()

    assert await asyncio.gather(*(joint() for _ in range(50))) == [1] * 50


async def test_who_comes_while_it_is_put_waits_for_the_next() -> None:
    question = Question()
    joint = Joint(question)
    early = asyncio.ensure_future(joint())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = [asyncio.ensure_future(joint()) for _ in range(3)]
    await asyncio.sleep(0)
    question.go.set()

    assert await early == 1
    assert await asyncio.gather(*late) == [2, 2, 2]


async def test_who_leaves_takes_nobody_the_answer() -> None:
    question = Question()
    joint = Joint(question)
    gone, stays = asyncio.ensure_future(joint()), asyncio.ensure_future(joint())
    await asyncio.sleep(0)
    gone.cancel()
    question.go.set()

    assert await stays == 1


async def test_a_failure_is_everybodys_and_the_next_question_is_put_anew() -> None:
    question = Question()
    joint = Joint(question)
    question.go.set()
    question.trouble = RuntimeError("away")
    for asked in [asyncio.ensure_future(joint()) for _ in range(2)]:
        with pytest.raises(RuntimeError, match="away"):
            await asked
    assert joint._asking is None
    question.trouble = None

    assert await joint() == 2
