"""What strangers' templates can do: nothing but take a moment, in a process that they cannot leave."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from provisioner.answers.bounds import RENDER
from provisioner.core.errors import Invalid
from provisioner.media.answers import AnswerProcess
from tests.edges.media.payloads import BOMBS, PAYLOADS
from tests.unit.answers.contexts import KEYS, context

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTEXT = context("rhel", "9", ssh_keys=KEYS)
SECRET = "canary-5c1f6a"
LEAKS = (SECRET, "root:", "uid=", "<class", "PYTHONPATH", "module 'os'", "[project]", "builtins", "subclass")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[AnswerProcess]:
    made = AnswerProcess()
    yield made
    await made.close()


async def outcome(reader: AnswerProcess, template: str) -> str:
    """The text that it gave, or the one sentence of its refusal."""
    try:
        return await reader.render(template, CONTEXT)
    except Invalid as error:
        return f"refused: {error}"


async def test_no_template_gets_out(reader: AnswerProcess, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    canary.chmod(0o644)
    payloads = [f"{payload.replace('CANARY', str(canary))}\n" for payload in PAYLOADS]
    found = await asyncio.gather(*(outcome(reader, payload) for payload in payloads))
    texts = [text for text in found if not text.startswith("refused: ")]

    assert len(PAYLOADS) >= 200
    assert [text for text in texts if any(leak in text for leak in LEAKS)] == []
    assert [text for text in found if SECRET in text] == []
    assert all("\n" not in text for text in found if text.startswith("refused: "))
    assert sorted(tmp_path.iterdir()) == [canary]
    # Most are refused by name; the rest print a word of their own object, which is no way out.
    assert len(texts) < len(PAYLOADS) // 4, texts


async def test_every_bomb_is_one_sentence_and_the_loop_goes_on(reader: AnswerProcess) -> None:
    took: dict[str, float] = {}
    told: dict[str, str] = {}

    async def set_off(name: str) -> None:
        began = time.perf_counter()
        told[name] = await outcome(reader, BOMBS[name])
        took[name] = time.perf_counter() - began

    late = 0.0
    await reader.render("warm\n", CONTEXT)
    going = asyncio.gather(*map(set_off, BOMBS))
    while not going.done():
        asked = time.perf_counter()
        await asyncio.sleep(0.002)
        late = max(late, time.perf_counter() - asked - 0.002)
    await going
    slowest = max(took, key=lambda name: took[name])
    print(f"last, {took[slowest]:.2f} s after the first began: {slowest}")
    print(f"the loop was late by {late * 1000:.0f} ms at most")

    assert len(BOMBS) >= 10
    assert {name: text for name, text in told.items() if not text.startswith("refused: the template")} == {}
    assert all(len(text) < 200 and "\n" not in text for text in told.values())
    assert RENDER.seconds < 1.5
    assert await reader.render("still {{ hostname }}\n", CONTEXT) == "still web1\n"


async def test_a_file_that_includes_itself_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop.j2").write_text('x\n{% include "loop.j2" %}\n')
    reader = AnswerProcess(folder=tmp_path)
    told = [await outcome(reader, template) for template in ("loop.j2", "../loop.j2", "/etc/passwd")]
    await reader.close()

    assert told == [
        "refused: loop.j2 includes or calls itself without end",
        "refused: there is no template ../loop.j2 below kickstarts/",
        "refused: there is no template /etc/passwd below kickstarts/",
    ]


async def test_out_of_the_sandbox_there_is_nothing_to_be_had(tmp_path: Path) -> None:
    """The second wall, tried without the first: the bounds of the process alone, from inside of it."""
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    code = (
        "import os, socket\n"
        "from provisioner.answers import bounds\n"
        "bounds.load(); bounds.leave_the_network(); bounds.confine()\n"
        "def attempt(name, do):\n"
        "    try:\n"
        "        do()\n"
        "        print(name)\n"
        "    except OSError:\n"
        "        pass\n"
        f"attempt('read', lambda: open({str(canary)!r}).read())\n"
        "attempt('write', lambda: open('made', 'w').write('x'))\n"
        "attempt('fork', os.fork)\n"
        "attempt('exec', lambda: os.execv('/bin/true', ['true']))\n"
        "attempt('connect', lambda: socket.socket().connect(('127.0.0.1', PORT)))\n"
        "attempt('root', lambda: os.setuid(0))\n"
    )
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", code.replace("PORT", str(port)), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    server.close()

    assert (process.returncode, out.decode().split()) == (0, [])
