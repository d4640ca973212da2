"""Fuzzes every target in turn; ends 1 where one broke, with the input that did it and where it lies.

What was found to reach further is kept under .cache/fuzz and goes on from there the next time.
"""

import argparse
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CORPUS = Path(".cache/fuzz")
BROKEN = Path("build/fuzz")
_COUNT = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_REACHED = re.compile(r"cov: (\d+)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all of them together")
    parser.add_argument("--target", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.target:
        fuzz(asked.target, asked.seconds)
        return 0
    if find_spec("atheris") is None:
        print("fuzz: skipped: atheris is not to be had for this Python or machine")
        return 0
    from tests.fuzz.targets import TARGETS

    each = max(1, asked.seconds // len(TARGETS))
    broken = [target for target in TARGETS if not ran(target, each)]
    return int(bool(broken))


def ran(target: str, seconds: int) -> bool:
    """A child each: libFuzzer ends the process that it runs in."""
    command = [sys.executable, "-m", "tests.fuzz", "--target", target, "--seconds", str(seconds)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds + 120
    )
    inputs = sum(map(int, _COUNT.findall(done.stdout)))
    reached = max(map(int, _REACHED.findall(done.stdout)), default=0)
    print(f"fuzz: {target:14} {inputs:8} inputs, {reached} branches reached", flush=True)
    if done.returncode:
        print(done.stdout[-4000:])
        print(f"fuzz: {target} broke; the input is in {BROKEN}, keep it under tests/data/fuzz/{target}")
    return done.returncode == 0


def fuzz(target: str, seconds: int) -> None:
    """Does not return."""
    atheris: Any = import_module("atheris")  # untyped
    with atheris.instrument_imports(include=["provisioner", "pydhcp", "tftpy", "tests.fuzz"]):
        from tests.fuzz.targets import TARGETS, seeds
    corpus, broken = CORPUS / target, BROKEN / target
    for folder in (corpus, broken):
        folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={broken}{os.sep}",
        "-max_len=1500",
        "-timeout=10",
        "-print_final_stats=1",
    ]
    atheris.Setup([target, *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
