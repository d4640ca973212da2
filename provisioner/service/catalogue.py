"""The catalogue of diagnoses, as docs/diagnoses.md holds it: written from the tables.

python -m provisioner.service.catalogue >docs/diagnoses.md
"""

import re
from collections.abc import Iterator

from provisioner.distros.detect import FAMILIES
from provisioner.distros.scan import EVERYWHERE, Row, tables
from provisioner.service.diagnoses import DIAGNOSES, Words

_HEAD = """\
# Diagnoses

This file is written from the program (`python -m provisioner.service.catalogue`).

`provisioner install why NAME` names one of these for an installation that failed, or that does not get on:
one paragraph, the lines that it is told from, and what mends it (`-o json` for programs, and
`GET /installs/{ref}/why`). The watchdog ends a silent installation with the same words.

It is told from two things: what happened (packets, requests, libvirt's events, reports), and what the guest
said (its serial line, the installer's log, its report). What happened goes first where it is certain; where
it says only what did *not* happen, a line that names the trouble takes its place. What was got over since
says nothing, and while an installation still goes on neither does a mere warning.
"""
_EVENTS = """\
## By what happened

The first row that holds explains the installation.

| name | when | what mends it |
|---|---|---|"""
_LINES = """
## By what the guest said

The rules are data, one file for each kind of installer in `provisioner/distros/signs/`. A row has its name,
what it means, what mends it, how bad it is, and for each pattern a word that must stand in the line and a
line that was really said. *Vague* ones say that something broke and not what; all others explain more."""
_FILES = {
    "kernel": "The kernel, in every installer",
    "firmware": "Firmware, iPXE and GRUB, before any installer",
    "programs": "Programs that every installer calls",
}
_SHOWN = 150


def write() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_events(), *_signs()]) + "\n"


def names() -> list[str]:
    """Every diagnosis's name once, sorted."""
    signs = {row.sign.name for rows in tables().values() for row in rows}
    return sorted(signs | {row.name for row in DIAGNOSES})


def _events() -> Iterator[str]:
    yield _EVENTS
    for row in DIAGNOSES:
        yield f"| `{row.name}` | {row.means} | {_words(row.remedy)} |"


def _signs() -> Iterator[str]:
    yield _LINES
    for name, rows in tables().items():
        yield f"\n### {_FILES.get(name) or _families(name)} (`{name}.toml`)\n"
        yield "| name | means | what mends it | one line that says it | known from |\n|---|---|---|---|---|"
        for row in rows:
            yield _row(row)


def _families(file: str) -> str:
    """Whose installers these are."""
    users = [family.name for family in FAMILIES if file not in EVERYWHERE and file in family.signs()]
    return f"Installers of {', '.join(f'`{user}`' for user in users)}"


def _row(row: Row) -> str:
    line = " ".join(row.lines[0].example.split())
    shown = line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
    degree = "vague" if row.sign.vague else row.sign.severity
    cells = (
        f"{_cell(_open(row.sign.cause))} ({degree})",
        _cell(row.sign.remedy),
        _code(shown),
        _cell(row.source),
    )
    return f"| `{row.sign.name}` | {' | '.join(cells)} |"


def _words(words: Words) -> str:
    return _cell(_open(words)) if isinstance(words, str) else "what the event itself says"


def _open(text: str) -> str:
    """What is filled in, as `…`; the guest's name as NAME."""
    return re.sub(r"\{\w+\}", "…", text.replace("{guest}", "NAME"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _code(text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f"`` {escaped} ``" if "`" in escaped else f"`{escaped}`"


if __name__ == "__main__":
    print(write(), end="")  # noqa: T201 - it is what the command is for
