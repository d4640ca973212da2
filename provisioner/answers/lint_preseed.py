"""Preseed files, judged by the rules of the installer's own reader.

That reader drops lines that begin with `#`, joins lines that end with a backslash, and takes three words and
the rest: owner, question, type, value.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.answers.finding import Finding, by_line
from provisioner.answers.lint_shell import Script, shells
from provisioner.answers.preseed_questions import INSTALLER, TYPE_OF, TYPES

_OWNER = re.compile(r"[a-z0-9][a-z0-9+.-]*")  # a package's name by Debian policy 5.6.1
_ONCE = ("preseed/early_command", "preseed/late_command")
"""Questions that carry our reports: a second answer would replace the first without a word."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer, put together from its continued lines; `number` is where it begins."""

    number: int
    text: str


def preseed(text: str, syntax: str) -> list[Finding]:
    """Findings by the reader's rules, and by a POSIX shell for the values that are commands."""
    findings = list(_continuations(text))
    scripts: list[Script] = []
    seen: dict[str, int] = {}
    for line in logical_lines(text):
        words = line.text.split(None, 3)
        if len(words) < 3:
            findings.append(Finding(line.number, "an answer has four fields: owner, question, type, value"))
            continue
        owner, question, kind, value = *words[:3], words[3] if len(words) == 4 else ""
        findings += [
            Finding(line.number, text, warning=warning)
            for text, warning in _judge(owner, question, kind, value)
        ]
        if question.endswith("_command") and "/" in question:
            scripts.append(Script(value, line.number, "sh"))
        if question in seen:
            findings.append(_again(line.number, question, seen[question]))
        seen[question] = line.number
    # A command is one line for the shell, however many lines it has in the file.
    findings += [Finding(script.first_line, found.text) for script in scripts for found in shells([script])]
    return sorted(findings, key=by_line)


def _again(line: int, question: str, before: int) -> Finding:
    return Finding(line, f"{question} replaces the answer of line {before}", warning=question not in _ONCE)


def _judge(owner: str, question: str, kind: str, value: str) -> Iterator[tuple[str, bool]]:
    """Sentences, and whether each is but a warning."""
    if "/" not in question:
        yield f"{question!r} is not a question; they are named like netcfg/get_hostname", False
    elif kind not in TYPES:
        yield f"{question}: type {kind!r} is not known; known are {', '.join(TYPES)}", False
    elif kind in ("boolean", "seen") and value.strip() not in ("true", "false"):
        yield f"{question} must be true or false, not {value!r}", False
    elif not _OWNER.fullmatch(owner):
        yield f"{owner!r} is no owner of {question}; an owner is a package's name, mostly d-i", False
    elif owner != "d-i" and question.partition("/")[0] in INSTALLER:
        yield f"{question} is the installer's: its owner is d-i, not {owner}", True
    elif kind != TYPE_OF.get(question, kind):
        yield f"{question} is a {TYPE_OF[question]}, not a {kind}", True


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


def _continuations(text: str) -> Iterator[Finding]:
    continued = False
    number = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.rstrip().endswith("\\") and not line.endswith("\\"):
            column = len(line.rstrip()) + 1
            yield Finding(
                number, "there is a space behind the backslash, so the line is not continued", column
            )
        if line.lstrip().startswith("#") and (continued or not line.startswith("#")):
            where = "inside a continued line" if continued else "that is indented"
            yield Finding(number, f"a comment {where} is not a comment for the installer")
        continued = line.endswith("\\")
    if continued:
        yield Finding(number, "the last line is continued")
