"""Kickstarts, judged by the installer's own parser for the release, and the shell scripts in them."""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pykickstart.errors import KickstartError
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion, versionMap

from provisioner.answers.finding import Finding, by_line
from provisioner.answers.lint_shell import Script, shells
from provisioner.answers.sections import first_release
from provisioner.core.errors import Invalid

_SHELLS = ("/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash")
"""All of them are bash there, in the installer and in what it installs."""
_WORDLESS = re.compile(
    r" on line \d+(?=[: ])"
    r"| It may be removed (from|in)( the)? future[^.]*\."
    r"| Please modify your kickstart file to remove this (command|option)\."
)
"""What a warning says of itself in every case."""
_ready: dict[str, Any] = {}


def prepare(syntax: str) -> None:
    """Has the handler of a release ready for the next check: to make one is most of a check's time."""
    if syntax in versionMap and syntax not in _ready:
        _ready[syntax] = makeVersion(versionMap[syntax])  # type: ignore[no-untyped-call]


def handler(syntax: str) -> Any:
    """The release's handler, used once. Raises Invalid for a syntax that pykickstart does not know."""
    if syntax not in versionMap:
        known = ", ".join(sorted(name for name in versionMap if name.startswith("RHEL")))
        raise Invalid(f"the kickstart syntax {syntax} is not known; known are {known} and Fedora's")
    return _ready.pop(syntax, None) or makeVersion(versionMap[syntax])  # type: ignore[no-untyped-call]


class Collector(KickstartParser):
    """The parser that remembers every error and warning and goes on.

    It never follows an `%include`: that would read files and URLs that the text names.
    """

    def __init__(self, syntax: str) -> None:
        super().__init__(handler(syntax), followIncludes=False, errorsAreFatal=False)  # type: ignore[no-untyped-call]
        self.syntax = syntax
        self.findings: list[Finding] = []
        self._text = ""

    def handleCommand(self, lineno: int, args: list[str]) -> object:  # noqa: N802  # pykickstart's name
        """Of each command: what stands against it, with the command's name."""
        with self._heard(lineno):
            try:
                return super().handleCommand(lineno, args)  # type: ignore[no-untyped-call]
            except KickstartError as error:
                self._note(error.lineno or lineno, _sentence(error, args[0]))
            except Exception as error:
                # The parser of one command stumbled over its words.
                self._note(lineno, f"{args[0]}: {error or 'this line is not understood'}")
        return None

    def _tryFunc(self, fn: Callable[[], object]) -> None:  # noqa: N802  # pykickstart's name
        line = self._where()
        with self._heard(line):
            try:
                fn()
            except KickstartError as error:
                self._note(error.lineno or line, _sentence(error, self._line.split()[0]))
            except Exception as error:
                self._note(line, f"{self._line.split()[0]}: {error or 'this line is not understood'}")

    def _readSection(self, lineIter: Any, lineno: int) -> int:  # noqa: N802, N803  # pykickstart's names
        section = str(self._state)
        if first := first_release(section, self.syntax):
            self._note(lineno, f"{section} is known from {first} on; this installer would stop here")
        end: int = super()._readSection(lineIter, lineno)  # type: ignore[no-untyped-call]
        return end

    def read(self, text: str) -> None:
        """Parses the whole text, as far as its sections are closed."""
        self._text = text
        with self._heard(0):
            try:
                self.readKickstartFromString(text)  # type: ignore[no-untyped-call]
            except KickstartError as error:
                self._note(error.lineno or self._where(), _sentence(error))
            except ValueError as error:
                # shlex met a quote that is never closed.
                self._note(self._where(), str(error))
            except Exception as error:
                # pykickstart stumbles in many ways over what it does not expect.
                self._note(self._where(), f"this line is not understood ({type(error).__name__})")

    def _note(self, line: int, text: str, *, warning: bool = False) -> None:
        self.findings.append(Finding(line, text, warning=warning))

    @contextmanager
    def _heard(self, line: int) -> Iterator[None]:
        """Deprecations are no refusals: they come as warnings."""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            yield
        for told in heard:
            self._note(line, _WORDLESS.sub("", " ".join(str(told.message).split())), warning=True)

    def _where(self) -> int:
        lines = self._text.splitlines(keepends=True)
        return lines.index(self._line) + 1 if self._line in lines else 0


def kickstart(text: str, syntax: str) -> list[Finding]:
    """Findings of pykickstart and of bash. Raises Invalid for a syntax that pykickstart does not know."""
    parser = Collector(syntax)
    parser.read(text)
    scripts = [
        Script(script.script, (script.lineno or 0) + 1)
        for script in parser.handler.scripts
        if script.interp in _SHELLS
    ]
    return sorted([*parser.findings, *shells(scripts)], key=by_line)


def _sentence(error: KickstartError, command: str = "") -> str:
    text = " ".join(str(error.message).split()) or "this line is not understood"
    return text if not command or command in text else f"{command}: {text}"
