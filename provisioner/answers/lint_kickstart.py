"""Kickstarts, judged by the installer's own parser for the release, and the shell scripts in them."""

import warnings
from collections.abc import Callable

from pykickstart.errors import KickstartError
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion, versionMap

from provisioner.answers.lint_shell import shell
from provisioner.core.errors import Invalid

_SHELLS = ("/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash")


class Collector(KickstartParser):
    """The parser that remembers every error and goes on.

    It never follows an `%include`: that would read files and URLs that the text names.
    """

    def __init__(self, syntax: str) -> None:
        handler = makeVersion(syntax)  # type: ignore[no-untyped-call]
        super().__init__(handler, followIncludes=False, errorsAreFatal=False)  # type: ignore[no-untyped-call]
        self.errors: list[tuple[int, str]] = []

    def _tryFunc(self, fn: Callable[[], object]) -> None:  # noqa: N802  # pykickstart's name
        try:
            fn()
        except KickstartError as error:
            self.errors.append((error.lineno or 0, _sentence(error)))

    def read(self, text: str) -> None:
        """Parses the whole text, as far as its sections are closed."""
        try:
            self.readKickstartFromString(text)  # type: ignore[no-untyped-call]
        except KickstartError as error:
            self.errors.append((error.lineno or 0, _sentence(error)))
        except ValueError as error:
            # shlex met a quote that is never closed.
            self.errors.append((_line_of(self._line, text), str(error)))


def kickstart(text: str, syntax: str) -> list[str]:
    """Findings of pykickstart and of bash. Raises Invalid for a syntax that pykickstart does not know."""
    if syntax not in versionMap:
        known = ", ".join(sorted(name for name in versionMap if name.startswith("RHEL")))
        raise Invalid(f"the kickstart syntax {syntax} is not known; known are {known} and Fedora's")
    parser = Collector(syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations are not refusals
        parser.read(text)
    findings = [f"line {line}: {message}" for line, message in sorted(parser.errors)]
    for script in parser.handler.scripts:
        if script.interp in _SHELLS:
            findings += shell(script.script, script.lineno + 1)
    return findings


def _sentence(error: KickstartError) -> str:
    return " ".join(str(error.message).split()) or "this line is not understood"


def _line_of(line: str, text: str) -> int:
    lines = text.splitlines(keepends=True)
    return lines.index(line) + 1 if line in lines else 0
