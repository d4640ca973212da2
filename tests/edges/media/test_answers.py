"""The process that renders and checks: the same findings, bounds that hold, and another where one died."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from provisioner.answers.bounds import LONGEST, Limits
from provisioner.answers.finding import errors
from provisioner.answers.lint import lint
from provisioner.answers.origins import origins
from provisioner.answers.render import render
from provisioner.core.errors import Invalid, Unavailable
from provisioner.media.answers import AnswerProcess
from provisioner.service.answers import sample
from provisioner.service.contexts import completed
from provisioner.service.shipped import shipped
from provisioner.service.texts import Texts
from tests.unit.answers.contexts import context

CONTEXT = context("rhel", "7")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[AnswerProcess]:
    made = AnswerProcess()
    yield made
    await made.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("name", shipped())
async def test_every_shipped_profile_is_taken(reader: AnswerProcess, name: str) -> None:
    profile = completed(shipped()[name], shipped()[name].release)
    text = render(profile.template, sample(profile, profile.release))

    assert list(errors(await reader.lint(text, profile.family, profile.release))) == []


async def test_the_findings_are_those_of_the_check_itself(reader: AnswerProcess) -> None:
    text = "foo\n%post\nif\n%end\n"
    found = await reader.lint(text, "rhel", "7")

    assert found == lint(text, "rhel", "7")
    assert found != []


async def test_one_check_leaves_nothing_for_the_next(reader: AnswerProcess) -> None:
    text = "rootpw --lock\npart / --size=1000\n"
    first, second = [await reader.lint(text, "rhel", "9") for _ in range(2)]

    assert first == second


async def test_a_text_in_any_language_arrives_whole(reader: AnswerProcess) -> None:
    (found,) = await reader.lint("# Grüße, 世界\nförd 世界\n", "rhel", "7")

    assert str(found) == "line 2: Unknown command: förd"


async def test_a_refusal_comes_through(reader: AnswerProcess) -> None:
    with pytest.raises(Invalid, match="family 'gentoo' is not known"):
        await reader.lint("", "gentoo", "")
    with pytest.raises(Invalid, match=r"release '5' cannot be installed"):
        await reader.lint("", "rhel", "5")


async def test_a_users_folder_stands_in_front_of_ours(tmp_path: Path) -> None:
    snippet = tmp_path / "rhel/snippets/system.j2"
    snippet.parent.mkdir(parents=True)
    snippet.write_text("selinux --permissive\n{{ nobody if hostname == 'broken' }}")
    own = AnswerProcess(folder=tmp_path)
    texts = Texts(own, own, tmp_path)
    try:
        text = await texts.render("rhel/ks.cfg.j2", CONTEXT)
        with pytest.raises(Invalid, match=r"^rhel/snippets/system\.j2 line 2: 'nobody' is undefined"):
            await texts.render("rhel/ks.cfg.j2", replace(CONTEXT, hostname="broken"))
        snippet.write_text("{% for a in range(10000000000) %}{% endfor %}\n")
        with pytest.raises(Invalid):
            await texts.render("rhel/ks.cfg.j2", CONTEXT)
        snippet.unlink()
        ours = await texts.render("rhel/ks.cfg.j2", CONTEXT)
    finally:
        await own.close()

    assert "selinux --permissive\n" in text
    assert ours == render("rhel/ks.cfg.j2", CONTEXT)


async def test_a_template_gives_what_it_gives_here(reader: AnswerProcess) -> None:
    template = "{% for key in ssh_keys %}\nsshkey {{ key }}\n{% endfor %}\n{{ hostname }}\n"
    text = await reader.render(template, CONTEXT)

    assert text == render(template, CONTEXT)
    assert await reader.origins(template, CONTEXT, text) == origins(template, CONTEXT, text)
    assert await reader.render("rhel/ks.cfg.j2", CONTEXT) == render("rhel/ks.cfg.j2", CONTEXT)
    with pytest.raises(Invalid, match="the template line 2: 'nobody' is undefined"):
        await reader.render("a\n{{ nobody }}\n", CONTEXT)


async def test_a_check_that_takes_too_long_is_ended() -> None:
    reader = AnswerProcess(lint=Limits(0.2, 512 * 1024**2))
    with pytest.raises(Invalid, match=r"the answer file could not be checked within 0\.2 seconds"):
        await reader.lint("%post\n:\n%end\n" * 20000, "rhel", "7")
    await reader.close()


async def test_a_process_can_be_had_ready_before_anybody_asks() -> None:
    reader = AnswerProcess()
    await reader.warm(after=0)
    waiting = reader.pid
    await reader.lint("text\n", "rhel", "9")
    assert waiting and reader.pid == waiting
    await reader.close()

    broken = AnswerProcess(python="/bin/false")
    await broken.warm(after=0)
    await broken.close()


async def test_a_process_that_died_is_replaced(reader: AnswerProcess) -> None:
    await reader.lint("text\n", "rhel", "7")
    assert reader.pid
    os.kill(reader.pid, signal.SIGKILL)

    assert await reader.lint("text\n", "rhel", "7") == []


async def test_a_process_that_hangs_is_replaced() -> None:
    reader = AnswerProcess(patience=0.3)
    await reader.lint("text\n", "rhel", "7")
    assert reader.pid
    os.kill(reader.pid, signal.SIGSTOP)

    assert await reader.lint("text\n", "rhel", "7") == []
    await reader.close()


async def test_a_process_that_does_not_start_is_told() -> None:
    reader = AnswerProcess(python="/bin/false")
    with pytest.raises(Unavailable, match="the process that reads answer files does not start"):
        await reader.lint("text\n", "rhel", "7")
    await reader.close()


async def test_a_text_that_is_no_answer_file_by_its_length_is_not_looked_at() -> None:
    with pytest.raises(Invalid, match="longer than 1024 KiB"):
        await AnswerProcess(python="/bin/false").lint("a" * (LONGEST + 1), "rhel", "7")


async def test_many_at_once(reader: AnswerProcess) -> None:
    texts = [f"text\nnonsense{number}\n" for number in range(12)]
    found = await asyncio.gather(*(reader.lint(text, "rhel", "9") for text in texts))

    assert [str(one) for (one,) in found] == [
        f"line 2: Unknown command: nonsense{number}" for number in range(12)
    ]


async def test_the_time_of_a_check_in_the_warm_process(reader: AnswerProcess) -> None:
    """Printed, not judged: the machine may be busy. The bench's figure is 30 ms."""
    profile = completed(shipped()["centos7"], "7")
    text = render(profile.template, sample(profile, profile.release))
    await reader.lint(text, "rhel", "7")
    began = time.perf_counter()
    for _ in range(10):
        await reader.lint(text, "rhel", "7")
    print(f"lint of a kickstart in the warm process: {(time.perf_counter() - began) * 100:.1f} ms")
