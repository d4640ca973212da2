"""What is kept of installs, and the files in which libvirt keeps what their guests say."""

import os
from pathlib import Path

import pytest

from provisioner.core.errors import NotFound, Unavailable
from provisioner.media.evidence import Evidence
from provisioner.media.guest_logs import Logs


async def test_pieces_are_kept_by_install_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    kept = Evidence(tmp_path / "evidence")
    await kept.keep("i1", "log", b"one")
    await kept.keep("i1", "log", b"two")
    await kept.keep("i2", "screen", b"\x89PNG")

    assert await kept.read("i1", "log") == b"two"
    assert await kept.sizes("i1") == {"log": 3}
    assert {key: size for key, (_, size) in (await kept.installs()).items()} == {"i1": 3, "i2": 4}
    for file in (tmp_path / "evidence").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0

    await kept.remove("i1")
    await kept.remove("i1")
    with pytest.raises(NotFound):
        await kept.read("i1", "log")


@pytest.mark.parametrize("install", ["", "..", "../i1", "a/b", "x" * 65, "a\0"])
async def test_no_other_file_is_reached(tmp_path: Path, install: str) -> None:
    (tmp_path / "log.txt").write_text("secret")
    kept = Evidence(tmp_path / "evidence")
    for asked in (kept.read(install, "log"), kept.keep(install, "log", b"x"), kept.remove(install)):
        with pytest.raises(NotFound):
            await asked
    assert (tmp_path / "log.txt").read_text() == "secret"


async def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where a folder should be")
    with pytest.raises(Unavailable, match="cannot be written"):
        await Evidence(tmp_path / "evidence").keep("i1", "log", b"x")


async def test_a_growing_log_is_read_on_and_a_rotated_one_anew(tmp_path: Path) -> None:
    logs, file = Logs(tmp_path), tmp_path / "i1.log"
    assert await logs.since({("i1", "serial"): 0}) == {}
    file.write_bytes(b"one\n")
    assert await logs.since({("i1", "serial"): 0}) == {("i1", "serial"): (b"one\n", 4)}
    assert await logs.since({("i1", "serial"): 4}) == {}
    file.rename(tmp_path / "i1.log.0")
    file.write_bytes(b"two and more\n")

    assert await logs.since({("i1", "serial"): 4}) == {("i1", "serial"): (b"two and more\n", 13)}
    assert await logs.tail("i1", "serial", 100) == b"one\ntwo and more\n"
    assert await logs.tail("i1", "serial", 5) == b"more\n"


async def test_much_comes_in_pieces(tmp_path: Path) -> None:
    logs, said = Logs(tmp_path), os.urandom(200_000)
    (tmp_path / "i1.anaconda.log").write_bytes(said)
    place, read = 0, b""
    while found := await logs.since({("i1", "log"): place}):
        piece, place = found["i1", "log"]
        assert len(piece) <= 64 * 1024
        read += piece
    assert read == said


async def test_all_files_of_an_install_go(tmp_path: Path) -> None:
    for name in ("i1.log", "i1.log.0", "i1.anaconda.log", "i2.log"):
        (tmp_path / name).write_bytes(b"x")
    logs = Logs(tmp_path)
    assert set(await logs.installs()) == {"i1", "i2"}

    await logs.remove("i1")

    assert [file.name for file in tmp_path.iterdir()] == ["i2.log"]
