"""What was asked a moment ago is not asked again."""

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
