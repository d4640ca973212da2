"""What was asked a moment ago is not asked again."""

import asyncio

import pytest

from provisioner.core.errors import NotFound
from provisioner.web import recent
from provisioner.web.recent import Recent


class Source:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def load(self, key: str) -> str:
        self.asked.append(key)
        if key == "missing":
            raise NotFound("nothing")
        return key.upper()


async def test_a_second_question_is_answered_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    known = Recent(source.load)

    assert [await known.get("a"), await known.get("a"), await known.get("b")] == ["A", "A", "B"]
    assert source.asked == ["a", "b"]
    known.forget("a")
    await known.get("a")
    assert source.asked == ["a", "b", "a"]
    monkeypatch.setattr(recent, "FRESH_SECONDS", 0.0)
    await known.get("a")
    assert source.asked == ["a", "b", "a", "a"]


async def test_an_error_is_asked_again() -> None:
    source = Source()
    known = Recent(source.load)

    for _ in range(2):
        with pytest.raises(NotFound):
            await known.get("missing")
    assert source.asked == ["missing", "missing"]


async def test_memory_has_an_end() -> None:
    known = Recent(Source().load)

    for number in range(3000):
        await known.get(str(number))

    assert len(known._known) == 1024


async def test_when_an_answer_is_old_one_asks_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    source, now = Source(), [100.0]
    monkeypatch.setattr("provisioner.web.recent.time.monotonic", lambda: now[0])
    known = Recent(source.load)

    assert known.peek("a") is None
    await known.get("a")
    assert known.peek("a") == ("A",)
    now[0] += 1.1
    assert [known.peek("a") for _ in range(3)] == [None, ("A",), ("A",)]
    await known.get("a")
    assert known.peek("a") == ("A",)
    now[0] += 2.1
    assert [known.peek("a") for _ in range(3)] == [None, None, None], "nobody came to ask for too long"
    known.forget("a")
    assert known.peek("a") is None


async def test_what_stays_the_same_is_told_by_being_the_same() -> None:
    answers = iter([["a"], ["a"], ["b"]])

    async def load(_: str) -> list[str]:
        return next(answers)

    known = Recent(load)
    first = await known.get("x")
    known._known["x"].loaded -= 2
    assert await known.get("x") is first
    known._known["x"].loaded -= 2
    assert await known.get("x") == ["b"]


async def test_what_was_forgotten_while_it_was_asked_is_asked_again() -> None:
    asked = 0

    async def load(_: str) -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            known.forget("x")
        return asked

    known = Recent(load)
    assert [await known.get("x"), await known.get("x"), await known.get("x")] == [1, 2, 2]


async def test_many_who_ask_at_once_wait_for_one_answer() -> None:
    source, go = Source(), asyncio.Event()

    async def slow(key: str) -> str:
        value = await source.load(key)
        await go.wait()
        return value

    known = Recent(slow)
    first = [asyncio.create_task(known.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    first[0].cancel()
    await asyncio.sleep(0)
    known.forget("a")  # what is being read now may be too old for whoever asks from here on
    later = asyncio.create_task(known.get("a"))
    await asyncio.sleep(0)
    go.set()

    assert await asyncio.gather(*first[1:], later) == ["A", "A", "A"]
    assert source.asked == ["a", "a"]
