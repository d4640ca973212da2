"""Recorded boots replayed: what each client is answered, and what `netboot watch` prints meanwhile."""

import re
from pathlib import Path

import pytest

from provisioner.boot.conversation import text
from tests.edges.netboot.replay import DATA, names, recorded, replay
from tests.edges.web.conftest import empty_database

__all__ = ["empty_database"]
REWRITE = "python -m tests.edges.netboot.replay writes it; look at what it says"
TOKEN = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])")


@pytest.mark.parametrize("name", names())
async def test_a_recorded_client_is_answered_as_expected(
    name: str, tmp_path: Path, empty_database: Path
) -> None:
    said = await replay(name, tmp_path, empty_database)

    for suffix, lines in said.items():
        golden = DATA / f"{name}.{suffix}"
        assert golden.exists(), f"{golden.name} is missing; {REWRITE}"
        assert lines == golden.read_text(), f"{golden.name} differs; {REWRITE}"


@pytest.mark.parametrize("name", names())
async def test_whoever_had_its_answer_file_is_told_to_boot_its_disk(
    name: str, tmp_path: Path, empty_database: Path
) -> None:
    said = await replay(name, tmp_path, empty_database, answered=True)

    given = ("  OFFER", "  ACK", "  OACK", "  DATA", "  200, the machine's own", "  200, 100000 bytes")
    assert [line for line in said["answers"].splitlines() if line.startswith(given)] == []


@pytest.mark.parametrize("name", names())
def test_a_recording_is_as_the_command_writes_it_and_holds_no_token(name: str) -> None:
    written = (DATA / f"{name}.txt").read_text()
    conversation = recorded(name)

    assert text(conversation) == written
    assert conversation.about
    words = "\n".join(line for line in written.splitlines() if not re.fullmatch(r"  [0-9a-f]+", line))
    payloads = [packet.payload for packet in conversation.packets if isinstance(packet.payload, bytes)]
    assert not TOKEN.search(words)
    assert not any(TOKEN.search(payload.decode("latin-1")) for payload in payloads)


def test_every_expected_file_has_its_recording_and_every_recording_its_line_in_the_docs() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", (DATA.parents[2] / "docs/firmware.md").read_text(), re.MULTILINE)

    assert {file.stem for file in DATA.iterdir()} == set(names())
    assert set(names()) <= set(rows)
