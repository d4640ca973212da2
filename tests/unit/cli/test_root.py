"""The command line as a whole: help of every command, start time, completion, exit codes."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr

import click
import pytest

from provisioner.cli import errors
from provisioner.cli.root import cli
from provisioner.core.errors import Unavailable
from tests.unit.cli.conftest import Provisioner


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = list(commands(cli))


def test_the_verbs_are_those_that_were_promised() -> None:
    verbs: dict[str, list[str]] = {}
    for noun, *verb in ALL:
        verbs.setdefault(noun, []).extend(verb)

    assert verbs == {
        "serve": [],
        "doctor": [],
        "demo": [],
        "token": [],
        "tree": ["add", "explain", "list", "remove", "show"],
        "mirror": [
            *("clean", "drop", "offline", "pin", "quota", "repair", "snippet", "status", "stop", "sync"),
            *("unpin", "verify"),
        ],
        "media": ["add", "build", "list", "remove", "show"],
        "image": ["build", "list", "remove"],
        "profile": ["copy", "create", "edit", "explain", "list", "pace", "remove", "show"],
        "answer": ["diff", "lint", "port", "preview", "render"],
        "adopt": ["kickstart", "virt-install"],
        "plan": [],
        "apply": [],
        "top": [],
        "events": [],
        "rebuild": [],
        "lab": ["drop", "reset", "snapshot"],
        "guest": [
            *("address", "autostart", "clone", "console", "create", "delete", "destroy", "display"),
            *("list", "reboot", "rebuild", "reset", "resume", "screenshot", "show", "shutdown", "ssh"),
            *("start", "suspend", "xml"),
        ],
        "install": ["budget", "cancel", "list", "log", "show", "wait", "why"],
        "machine": ["add", "install", "list", "remove", "show"],
        "host": ["add", "check", "list", "remove", "show"],
        "network": [
            "autostart",
            "check",
            "create",
            "delete",
            "list",
            "show",
            "snippet",
            "start",
            "stop",
            "xml",
        ],
        "loader": ["add", "list", "remove"],
        "netboot": ["record", "watch"],
        "pool": ["create", "delete", "list", "show", "start"],
        "volume": ["create", "delete", "download", "list", "resize", "show", "upload"],
        "completion": [],
    }


@pytest.mark.parametrize("words", [(), *ALL], ids=lambda words: " ".join(words) or "provisioner")
def test_help(provisioner: Provisioner, words: tuple[str, ...]) -> None:
    ran = provisioner(*words, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: {' '.join(('provisioner', *words))}")
    assert max(map(len, ran.out.splitlines())) <= 100
    wordless = [line for line in ran.out.splitlines() if line.startswith("  --") and line.endswith(" ")]
    assert wordless == []


@pytest.mark.parametrize("words", [(), ("guest",)])
def test_a_group_alone_shows_its_help_and_is_a_usage_error(
    provisioner: Provisioner, words: tuple[str, ...]
) -> None:
    ran = provisioner(*words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: provisioner")


def test_help_starts_without_the_heavy_libraries() -> None:
    heavy = {"requests", "rich", "pydantic", "aiohttp", "sqlalchemy", "jinja2", "libvirt", "asyncio"}
    code = (
        "import sys, json\n"
        "sys.argv = ['provisioner', '--help']\n"
        "from provisioner.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"provisioner --help: {time.perf_counter() - began:.3f} s")

    assert heavy & set(json.loads(done.stderr)) == set()
    assert done.stdout.startswith("Usage: provisioner")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(provisioner: Provisioner, shell: str) -> None:
    ran = provisioner("completion", shell)

    assert (ran.code, ran.err) == (0, "")
    assert "_PROVISIONER_COMPLETE" in ran.out


def test_completion_completes_nouns_and_verbs() -> None:
    environment = {
        **os.environ,
        "_PROVISIONER_COMPLETE": "bash_complete",
        "COMP_WORDS": "provisioner guest sh",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-m", "provisioner"], env=environment, capture_output=True, text=True
    )

    assert done.stdout.split() == ["plain,show", "plain,shutdown"], done.stderr


OUTCOMES: list[tuple[BaseException | int | None, int, str]] = [
    (None, 0, ""),
    (3, 3, ""),
    (Unavailable("libvirt is away", remedy="start it"), 1, "error: libvirt is away\nremedy: start it\n"),
    (Unavailable("libvirt is away"), 1, "error: libvirt is away\n"),
    (errors.Told(), 1, ""),
    (FileNotFoundError(2, "No such file or directory", "/x"), 1, "error: /x: No such file or directory\n"),
    (click.UsageError("Missing option."), 2, "error: missing option\nremedy: see provisioner --help\n"),
    (KeyboardInterrupt(), 130, "\ninterrupted\n"),
    (click.Abort(), 130, "interrupted\n"),
]


@pytest.mark.parametrize(("outcome", "code", "said"), OUTCOMES)
def test_one_map_to_exit_codes(outcome: BaseException | int | None, code: int, said: str) -> None:
    @click.command()
    def command() -> int | None:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    stream = io.StringIO()
    with redirect_stderr(stream):
        got = errors.run(command, [])

    assert (got, stream.getvalue()) == (code, said)


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    code = (
        "import click\n"
        "from provisioner.cli.errors import run\n"
        "@click.command()\n"
        "def command():\n"
        "    for number in range(200000): click.echo(number)\n"
        "raise SystemExit(run(command, []))\n"
    )
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "$0" | head -n 1', code], capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("0\n", "")
