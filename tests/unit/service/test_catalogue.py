"""The catalogue of diagnoses: as it is written, and each of them proved by a fault that a test causes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.cli.root import cli
from provisioner.distros.scan import tables
from provisioner.service.catalogue import names, write
from provisioner.service.diagnoses import DIAGNOSES, Diagnosis
from tests.unit.cli.test_root import commands

ROOT = Path(__file__).parents[3]
ENDS = frozenset({"installed", "cancelled", "creating", "not-started", "waiting"})
"""No faults."""
RECORDED = frozenset(
    {
        # Of installers whose media, and of hardware whose faults, cannot be had here.
        "boot-loader-failed",
        "host-too-slow",
        "installer-broke",
        "installer-step-failed",
        "kernel-not-loaded",
        "medium-unreadable",
        "network-boot-broke-off",
        "no-init",
        "no-link",
        "no-root-partition",
        "package-missing",
        "runtime-unreachable",
        "unsigned-module",
    }
)
"""No test causes them for real; their recorded lines are told by tests/unit/distros/test_scan.py."""


def proved(file: Path) -> Iterator[str]:
    """The names that a file's tests are marked with."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "proves":
            yield from (
                n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            )


PROVED = {
    name for folder in ("edges", "lab") for f in (ROOT / "tests" / folder).rglob("*.py") for name in proved(f)
}


def test_the_page_is_as_the_program_has_it() -> None:
    """Mended by: python -m provisioner.service.catalogue >docs/diagnoses.md"""
    assert (ROOT / "docs/diagnoses.md").read_text() == write()


def test_every_diagnosis_is_proved_by_a_test_that_causes_the_fault() -> None:
    assert set(names()) - PROVED - ENDS == RECORDED


def test_no_test_proves_what_is_no_diagnosis() -> None:
    assert PROVED - set(names()) == set()


def test_what_is_only_recorded_has_lines() -> None:
    signs = {row.sign.name for rows in tables().values() for row in rows}

    assert signs >= RECORDED


def test_there_are_far_more_than_twenty_five_proved() -> None:
    assert len(PROVED) >= 50


@pytest.mark.parametrize("row", DIAGNOSES, ids=[row.name for row in DIAGNOSES])
def test_what_a_diagnosis_means_is_said_in_words(row: Diagnosis) -> None:
    assert row.means
    assert not row.means.endswith(".")


def test_every_command_that_the_page_names_is_there() -> None:
    said = {tuple(found) for found in re.findall(r"provisioner ([a-z]+) ([a-z]+)", write())}
    there = {*commands(cli), ("doctor", "names")}  # "provisioner doctor names it"

    assert said - there == set()
