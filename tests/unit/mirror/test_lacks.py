"""What trees lack is remembered across starts, as long as it does not come."""

from pathlib import Path

from provisioner.mirror.lacks import Lacks

SOURCE = "http://mirror.example/os"


async def test_it_is_remembered_until_it_comes(tmp_path: Path) -> None:
    first, place = Lacks(tmp_path / "lacks"), tmp_path / "lacks"
    await first.load()
    for path in ("updates.img", "InRelease"):
        first.note(SOURCE, path)
    first.drop(SOURCE, "InRelease")
    first.drop(SOURCE, "never/heard/of")
    await first.close()

    second = Lacks(place)
    await second.load()
    assert second.has(SOURCE, "updates.img")
    assert not second.has(SOURCE, "InRelease")
    assert not second.has("http://other.example/os", "updates.img")
    await second.close()
    assert [file.name for file in tmp_path.iterdir()] == ["lacks"]


async def test_what_cannot_be_read_or_written_is_nothing(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere/lacks"):
        lacks = Lacks(place)
        await lacks.load()
        lacks.note(SOURCE, "a")
        await lacks.close()
        assert lacks.has(SOURCE, "a")
