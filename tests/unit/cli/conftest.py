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
