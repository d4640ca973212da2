"""What was served is kept, one text for each guest, and not for ever."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid, NotFound
from provisioner.media.archive import Archive
from provisioner.service.ports import ServedText


def served(guest: str, text: str = "lang en\n") -> ServedText:
    return ServedText(guest, "i1", "ks.cfg", "http://192.0.2.1:8080", "2026-01-02T03:04:05+00:00", text)


async def test_the_last_text_is_given_back(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "served")
    with pytest.raises(NotFound, match="no answer file was served to web1 yet"):
        await archive.last("web1")
    await archive.keep(served("web1"))
    await archive.keep(served("web1", "lang 漢字\n"))

    assert await Archive(tmp_path / "served").last("web1") == served("web1", "lang 漢字\n")
    assert [file.name for file in (tmp_path / "served").iterdir()] == ["web1.json"]
    assert (tmp_path / "served/web1.json").stat().st_mode & 0o777 == 0o600


async def test_what_the_install_before_was_served_is_kept_beside_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for install, text in (("i1", "one\n"), ("i2", "two\n"), ("i2", "two again\n")):
        await archive.keep(replace(served("web1", text), install=install))

    assert (await archive.last("web1")).text == "two again\n"
    assert (await archive.before("web1")).text == "one\n"
    with pytest.raises(NotFound, match="of an earlier install of web2 is kept"):
        await archive.before("web2")
    for number in range(9):
        await Archive(tmp_path, most=3).keep(served(f"other{number}"))
    with pytest.raises(NotFound):
        await archive.before("web1")


async def test_the_oldest_go_where_there_are_too_many(tmp_path: Path) -> None:
    for number in range(8):
        await Archive(tmp_path, most=5).keep(served(f"web{number}"))
        os.utime(tmp_path / f"web{number}.json", (number, number))
    await Archive(tmp_path, most=5).keep(served("new"))

    assert sorted(file.stem for file in tmp_path.iterdir()) == ["new", "web4", "web5", "web6", "web7"]


async def test_many_at_once_are_all_kept(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    await asyncio.gather(*(archive.keep(served(f"web{number}")) for number in range(50)))

    assert len(list(tmp_path.glob("*.json"))) == 50


async def test_a_file_that_is_none_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "web1.json").write_text('{"guest": 1')
    with pytest.raises(NotFound):
        await Archive(tmp_path).last("web1")


async def test_a_name_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        await Archive(tmp_path).last("../api")
