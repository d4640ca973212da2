"""Preseed files, judged by the rules of the installer's own reader.

That reader drops lines that begin with `#`, joins lines that end with a backslash, and takes three words and
the rest: owner, question, type, value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.answers.lint_shell import shell

TYPES = ("string", "boolean", "select", "multiselect", "note", "text", "password", "title", "error", "seen")
_ONCE = ("preseed/early_command", "preseed/late_command")
"""Questions that carry our reports: a second answer would replace the first without a word."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer, put together from its continued lines; `number` is where it begins."""

    number: int
    text: str


def preseed(text: str, syntax: str) -> list[str]:
    """Findings by the reader's rules, and by bash for the values that are commands."""
    findings = list(_continuations(text))
    seen: dict[str, int] = {}
    for line in logical_lines(text):
        words = line.text.split(None, 3)
        if len(words) < 3:
            findings.append(f"line {line.number}: an answer has four fields: owner, question, type, value")
            continue
        question, kind, value = words[1], words[2], words[3] if len(words) == 4 else ""
        findings += _judge(line.number, question, kind, value)
        if question in _ONCE and question in seen:
            findings.append(f"line {line.number}: {question} replaces the answer of line {seen[question]}")
        seen[question] = line.number
    return sorted(findings, key=_number)


def _judge(number: int, question: str, kind: str, value: str) -> Iterator[str]:
    if "/" not in question:
        yield f"line {number}: {question!r} is not a question; they are named like netcfg/get_hostname"
    elif kind not in TYPES:
        yield f"line {number}: type {kind!r} is not known; known are {', '.join(TYPES)}"
    elif kind in ("boolean", "seen") and value.strip() not in ("true", "false"):
        yield f"line {number}: {question} must be true or false, not {value!r}"
    elif question.endswith("_command"):
        for finding in shell(value, number):
            yield f"line {number}: {finding.partition(': ')[2]}"


def logical_lines(text: str) -> Iterator[Line]:
    """The answers as the installer joins them: leading spaces go, a backslash becomes a space."""
    begun: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        start = start if begun else number
        begun.append(line.strip().removesuffix("\\").strip())
        if not line.endswith("\\"):
            yield Line(start, " ".join(begun))
            begun = []


def _continuations(text: str) -> Iterator[str]:
    continued = False
    number = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.rstrip().endswith("\\") and not line.endswith("\\"):
            yield f"line {number}: there is a space behind the backslash, so the line is not continued"
        if line.lstrip().startswith("#") and (continued or not line.startswith("#")):
            where = "inside a continued line" if continued else "that is indented"
            yield f"line {number}: a comment {where} is not a comment for the installer"
        continued = line.endswith("\\")
    if continued:
        yield f"line {number}: the last line is continued"


def _number(finding: str) -> int:
    return int(finding.removeprefix("line ").partition(":")[0])
