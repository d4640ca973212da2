"""A fake service, and the command line run as a user runs it: words in, code and both streams out."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.cli.errors import run
from provisioner.cli.root import cli
from tests.unit.cli.fake import FakeService


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Provisioner = Callable[..., Ran]


def told_once(ran: Ran) -> None:
    """What was asked for could not be had: one sentence, at most one remedy, nothing on stdout."""
    first, *rest = ran.err.splitlines()
    assert (ran.code, ran.out) == (1, "")
    assert first.startswith("error: ") and len(first) > 15
    assert len(rest) <= 1 and all(line.startswith("remedy: ") for line in rest)


def misused(ran: Ran, service: FakeService) -> None:
    """The words themselves were wrong: nobody was asked, and the help is named."""
    first, *rest = ran.err.splitlines()
    assert (ran.code, ran.out, service.asked) == (2, "", [])
    assert first.startswith("error: ")
    assert len(rest) == 1 and "--help" in rest[0]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are printed as they are here; here is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeService]:
    with FakeService() as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield fake


@pytest.fixture
def provisioner(monkeypatch: pytest.MonkeyPatch) -> Provisioner:
    """Without a terminal. A test that needs one gives it by `pty`."""

    def call(*words: str, stdin: str = "") -> Ran:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with redirect_stdout(out), redirect_stderr(err):
            code = run(cli, words)
        return Ran(code, out.getvalue(), err.getvalue())

    return call
