"""What has to change in a kickstart that was written for one release before another's installer takes it.

Both releases' own parsers are asked; what stands in the place of what went is told by `port_hints`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from provisioner.answers.finding import Finding, by_line
from provisioner.answers.lint_kickstart import kickstart
from provisioner.answers.port_hints import HINTS, Hint, Place
from provisioner.core.errors import Invalid
from provisioner.distros.detect import family

_OPTION = re.compile(r"--[A-Za-z-]+")
_SECTION = re.compile(r"%(?!end\b|include\b|ksappend\b)[a-z-]+")


def port(text: str, old: tuple[str, str], new: tuple[str, str]) -> list[Finding]:
    """Errors are what must change, warnings what ought to; in the order of their lines.

    `old` and `new` are family and release. Raises Invalid where either is no kickstart's, or not known.
    """
    before, after = _syntax(*old), _syntax(*new)
    known = {(found.line, found.text): found for found in kickstart(text, before)}
    lines = text.splitlines()
    places = list(_places(lines))
    changes = []
    for found in kickstart(text, after):
        line = lines[found.line - 1] if 0 < found.line <= len(lines) else ""
        place = places[found.line - 1] if line else "command"
        hint = _hint(line, place, before, after, of=_OPTION.findall(found.text), every=True)
        if (found.line, found.text) in known:
            if not found.warning:
                changes.append(replace(found, text=f"{found.text} (this is wrong for {before} already)"))
            continue
        changes.append(replace(found, text=f"{found.text.rstrip('.')}; {hint}") if hint else found)
    told = {found.line for found in changes}
    for number, (line, place) in enumerate(zip(lines, places, strict=True), 1):
        if number not in told and (hint := _hint(line, place, before, after)):
            changes.append(Finding(number, f"{_named(line)}: {hint}", warning=True))
    return sorted(changes, key=by_line)


def _syntax(name: str, release: str) -> str:
    row = family(name)
    if row.answer_file(release) != "ks.cfg":
        raise Invalid(
            f"{name} has no kickstart: its answers are {row.answer_file(release)}",
            remedy="a profile is re-targeted by its family: provisioner profile edit NAME --family …",
        )
    return row.syntax(release)


def _places(lines: list[str]) -> Iterator[Place]:
    """Where each line stands: among commands, in the header of a section, its packages or its script."""
    inside: Place = "command"
    for line in lines:
        found = _SECTION.match(line.strip())
        if found and inside == "command":
            yield "section"
            inside = "packages" if found[0] == "%packages" else "script"
        else:
            inside = "command" if line.strip().startswith("%end") else inside
            yield inside


def _hint(
    line: str, place: Place, before: str, after: str, *, of: Sequence[str] = (), every: bool = False
) -> str:
    """What to write instead: of what differs between the two, or of `every` that the later one has.

    Where options are named, what is said is `of` them.
    """
    rows = [
        hint.text
        for hint in HINTS
        if hint.place == place
        and _begun(hint, after)
        and (every or not _begun(hint, before))
        and (found := hint.pattern.search(line.strip()))
        and (not of or found[0].endswith(tuple(of)))
    ]
    return "; ".join(rows)


def _begun(hint: Hint, syntax: str) -> bool:
    """Whether the release is one of those that the hint is for."""
    name = syntax.rstrip("0123456789")
    first = hint.red_hat if name == "RHEL" else hint.fedora
    return bool(first) and int(syntax.removeprefix(name) or first) >= first


def _named(line: str) -> str:
    return line.split()[0]
