"""AutoYaST profiles: read as XML without entities, judged by the types that they name themselves, and by
SUSE's own RELAX NG where its package yast2-schema is installed.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from provisioner.answers.autoyast_sections import SECTIONS
from provisioner.answers.finding import Finding, by_line
from provisioner.answers.lint_shell import Script, shells

SCHEMA = Path("/usr/share/YaST2/schema/autoyast/rng/profile.rng")
_NAMESPACE = "http://www.suse.com/1.0/yast2ns"
_TYPES = {
    "boolean": re.compile("true|false"),
    "integer": re.compile("[+-]?[0-9]+"),
}
_KNOWN_TYPES = ("boolean", "integer", "list", "map", "string", "symbol", "disksize")
_DEEPEST = 60
_SCHEMA_SECONDS = 5
_SCHEMA_LINE = re.compile(r"^[^:]*:(\d+): (?:element \S+: )?(?:Relax-NG validity error : )?(.*)$")


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet; `types` are the names that it and those before it go by."""

    name: str
    kind: str
    line: int
    column: int
    text: list[str] = field(default_factory=list)
    children: dict[str, str] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Finds what is wrong while expat reads; entities are refused: nothing grows, nothing is fetched."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.scripts: list[Script] = []
        self._path: list[_Open] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity

    def read(self, text: str) -> None:
        try:
            self._parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        except expat.ExpatError as error:
            message = f"this is no XML: {expat.ErrorString(error.code)}"
            self.findings.append(Finding(error.lineno, message, error.offset + 1))
        except _Refused as error:
            self._note(str(error))

    def _note(self, text: str, at: _Open | None = None, *, warning: bool = False) -> None:
        line = at.line if at else self._parser.CurrentLineNumber
        column = at.column if at else self._parser.CurrentColumnNumber + 1
        self.findings.append(Finding(line, text, column, warning=warning))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        kind = next(
            (value for key, value in attributes.items() if key in ("t", "type") or key.endswith(" type")), ""
        )
        made = _Open(local, kind, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)
        if len(self._path) >= _DEEPEST:
            raise _Refused(f"{local} is nested too deep")
        if not self._path and (local != "profile" or namespace != _NAMESPACE):
            self._note(f'the root must be <profile xmlns="{_NAMESPACE}">, not <{local}>', made)
        if kind and kind not in _KNOWN_TYPES:
            self._note(f"{local}: type {kind!r} is not known; known are {', '.join(_KNOWN_TYPES)}", made)
        if self._path and self._path[-1].kind != "list":
            self._once(self._path[-1], made)
        self._path.append(made)

    def _once(self, parent: _Open, made: _Open) -> None:
        if made.name in parent.seen:
            self._note(f"{made.name} is given already on line {parent.seen[made.name]}", made)
        parent.seen.setdefault(made.name, made.line)
        if len(self._path) == 1 and made.name not in SECTIONS:
            self._note(f"the section {made.name} is not known to AutoYaST's manual", made, warning=True)

    def _text(self, data: str) -> None:
        if self._path:
            self._path[-1].text.append(data)

    def _end(self, name: str) -> None:
        done = self._path.pop()
        value = "".join(done.text).strip()
        pattern = _TYPES.get(done.kind)
        if pattern and not pattern.fullmatch(value):
            self._note(f"{done.name} is of type {done.kind}, and {value!r} is none", done)
        if self._path:
            self._path[-1].children[done.name] = value
        if done.name == "source" and self._path:
            lead = len("".join(done.text)) - len("".join(done.text).lstrip("\n"))
            self.scripts.append(Script("".join(done.text).lstrip("\n"), done.line + lead))
        if done.name == "script" and done.children.get("interpreter", "shell") != "shell" and self.scripts:
            self.scripts.pop()

    def _entity(self, name: str, *_: object) -> None:
        raise _Refused(f"the entity {name} is defined: an answer file needs none, and none is followed")


class _Refused(Exception):
    """The rest is not looked at."""


def autoyast(text: str, syntax: str) -> list[Finding]:
    """Findings by expat, by the named types, by bash for shell scripts, and by the schema where it is."""
    reader = _Reader()
    reader.read(text)
    found = [*reader.findings, *shells(reader.scripts)]
    if not any(not finding.warning for finding in found):
        found += _by_schema(text)
    return sorted(found, key=by_line)


def _by_schema(text: str) -> Iterator[Finding]:
    """Nothing where SUSE's schema or xmllint is not installed."""
    if not SCHEMA.is_file():
        return
    try:
        done = subprocess.run(
            ["xmllint", "--noout", "--nonet", "--relaxng", str(SCHEMA), "-"],
            input=text.encode(),
            capture_output=True,
            check=False,
            timeout=_SCHEMA_SECONDS,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    if done.returncode:
        for line in done.stderr.decode("utf-8", "replace").splitlines():
            if (found := _SCHEMA_LINE.match(line)) and "error" in line:
                yield Finding(int(found[1]), f"SUSE's schema: {found[2]}")
