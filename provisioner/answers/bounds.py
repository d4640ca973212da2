"""What a process may do that renders a stranger's template or reads a stranger's answer file.

The sandbox of the template language is the first wall, never the only one: behind it the process has no
network, no rights, no files, no children, and little memory and time.
"""

import contextlib
import ctypes
import os
import resource
import signal
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, TemplateError, TemplateNotFound

from provisioner.answers.render import environment
from provisioner.core.errors import Invalid

LONGEST = 1024 * 1024
"""Bytes of an answer file; installers read kilobytes."""
_NOBODY = 65534
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` by the clock, `memory` in bytes of address space, `cpu` in whole seconds of a processor.

    A busy machine makes a clock run out for good texts too; a processor's time does not.
    """

    seconds: float
    memory: int
    cpu: int = 2

    @property
    def least(self) -> float:
        """What a text has that asks for all of it."""
        return min(self.seconds, self.cpu)


RENDER = Limits(1.2, 256 * 1024**2)
LINT = Limits(10.0, 512 * 1024**2, cpu=4)


_Texts = dict[str, tuple[str, str | None]]


class _Carried(BaseLoader):
    """Templates in memory, by their names; each is a text with its file, which errors are told with."""

    def __init__(self, texts: _Texts) -> None:
        self._texts = texts

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:
        if template not in self._texts:
            raise TemplateNotFound(template)
        return *self._texts[template], None

    def list_templates(self) -> list[str]:
        return sorted(self._texts)


def load() -> None:
    """What Python loads when it is needed, while there are files: a failing template takes most of it."""
    _shipped()
    templates = environment()
    for text in ("{% macro m(a) %}{{ a | join('\\n') }}{% endmacro %}{{ m([1]) }}\n", "{{ nobody.nothing }}"):
        with contextlib.suppress(TemplateError):
            templates.from_string(text).render()


def confine(folder: Path | None = None) -> None:
    """Leaves this process nothing but its memory, its processor and what it has open, all bounded."""
    _carry_templates(folder)
    limit(RENDER)
    _leave_the_files()
    drop_rights()
    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))


def limit(limits: Limits) -> None:
    """The kernel ends the process after that time, whatever it is at, and it says nothing but its answer."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    os.close(silent)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def leave_the_network() -> None:
    """Not even the loopback is left. An ordinary user needs a namespace of his own for that, where he may."""
    unshare = ctypes.CDLL(None).unshare
    unshare(_CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET)


def drop_rights() -> None:
    """Root becomes nobody; where ids cannot be changed, the other bounds remain."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def check_length(text: str) -> None:
    """Raises Invalid for a text that no installer would read."""
    if len(text) > LONGEST:
        raise Invalid(f"the template makes more than {LONGEST // 1024} KiB of text", remedy="make it shorter")


def _carry_templates(folder: Path | None) -> None:
    """The templates, the user's own as they lie now, for a process that can open no file any more."""
    templates = environment(folder)
    own = _texts(FileSystemLoader(folder), templates) if folder else {}
    templates.loader = _Carried({**_shipped(), **own})


@cache
def _shipped() -> _Texts:
    """Read once: they change with the program alone."""
    templates = environment()
    assert templates.loader is not None  # noqa: S101 - resources gives it one
    return _texts(templates.loader, templates)


def _texts(loader: BaseLoader, templates: Environment) -> _Texts:
    found: _Texts = {}
    for name in loader.list_templates():
        with contextlib.suppress(TemplateNotFound, UnicodeDecodeError, OSError):
            found[name] = loader.get_source(templates, name)[:2]
    return found


def _leave_the_files() -> None:
    """The root becomes a folder that is there no more. A container may forbid it: the other bounds remain."""
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    folder.rmdir()
    with contextlib.suppress(OSError):
        os.chroot(".")
