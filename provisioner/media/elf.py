"""What a program or a kernel module needs beside itself."""

import re
from collections.abc import Iterable
from pathlib import Path

from provisioner.media.hosttools import run

_DEPENDS = re.compile(rb"(?:^|\0)depends=([^\0]*)\0")


def module_needs(module: bytes) -> tuple[str, ...]:
    """The modules that an (unpacked) kernel module names in its `.modinfo`, with underscores."""
    found = _DEPENDS.search(module)
    names = found.group(1).decode("ascii") if found else ""
    return tuple(name.replace("-", "_") for name in names.split(",") if name)


def libraries(programs: Iterable[Path]) -> list[Path]:
    """Every shared library of these programs, the dynamic loader included, each once."""
    needed: set[Path] = set()
    for program in programs:
        for line in run(["ldd", program], f"listing the libraries of {program}").decode().splitlines():
            needed.update(Path(word) for word in line.split() if word.startswith("/"))
    return sorted(needed)
