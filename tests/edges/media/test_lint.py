"""The process that checks an answer file: the same findings, and bounds that hold."""

import subprocess
import sys
import time

import pytest

from provisioner.answers.lint import lint
from provisioner.core.errors import Invalid, Unavailable
from provisioner.media.lint import LONGEST, ProcessLinter
from provisioner.service.answers import sample
from provisioner.service.shipped import shipped


@pytest.mark.parametrize("name", shipped())
async def test_every_shipped_profile_is_taken(name: str) -> None:
    profile = shipped()[name]
    text = sample(profile, profile.release)

    assert await ProcessLinter().lint(text, profile.family, profile.release) == []


async def test_the_findings_are_those_of_the_check_itself() -> None:
    text = "foo\n%post\nif\n%end\n"
    found = await ProcessLinter().lint(text, "rhel", "7")

    assert found == lint(text, "rhel", "7")
    assert found != []


async def test_a_text_in_any_language_arrives_whole() -> None:
    assert await ProcessLinter().lint("# Grüße, 世界\nförd 世界\n", "rhel", "7") == [
        "line 2: Unknown command: förd"
    ]


async def test_a_refusal_comes_through() -> None:
    with pytest.raises(Invalid, match="family 'gentoo' is not known"):
        await ProcessLinter().lint("", "gentoo", "")
    with pytest.raises(Invalid, match=r"release '5' cannot be installed"):
        await ProcessLinter().lint("", "rhel", "5")


async def test_a_check_that_takes_too_long_is_ended() -> None:
    begun = time.monotonic()
    with pytest.raises(Invalid, match=r"could not be checked within 0\.2 seconds"):
        await ProcessLinter(seconds=0.2).lint("%post\n:\n%end\n" * 20000, "rhel", "7")

    assert time.monotonic() - begun < 30


async def test_a_check_that_breaks_is_told() -> None:
    with pytest.raises(Unavailable, match=r"the check of the answer file broke \(status 1\)"):
        await ProcessLinter(python="/bin/false").lint("text\n", "rhel", "7")


async def test_a_text_that_is_no_answer_file_by_its_length_is_not_looked_at() -> None:
    with pytest.raises(Invalid, match="longer than 1024 KiB"):
        await ProcessLinter(python="/bin/false").lint("a" * (LONGEST + 1), "rhel", "7")


def test_the_process_bounds_its_memory_before_it_reads() -> None:
    """What runs in the worker, in a process like it: an allocation above the bound fails."""
    code = (
        "import io, sys; from provisioner.answers import lint_worker as worker\n"
        'sys.stdin = io.StringIO(\'{"text": "", "family": "debian", "release": ""}\')\n'
        "worker.main()\n"
        "bytearray(2 * worker.MEMORY)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == '{"findings": []}'
    assert done.stderr.endswith("MemoryError\n")
