"""The rules of the house: who imports whom, one door for each library, nothing undocumented or unrendered."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.config import Settings

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "provisioner"
FILES = sorted(PACKAGE.rglob("*.py"))

PURE = {"boot", "distros", "answers", "plan", "lab", "pace"}
EDGES = {"netboot", "mirror", "media", "hypervisor", "segment", "store"}
ROOMS = {"core", "service", "web", "cli"} | PURE | EDGES
# What a room may import besides itself. `service` holds the ports, so edges may import that one module.
PORTS = "service.ports"
ARROWS: dict[str, set[str]] = {
    "core": set(),
    "resources": set(),
    **{room: {"core", "resources"} for room in PURE},
    **{room: {"core", "resources", PORTS} | PURE for room in EDGES},
    "service": {"core", "resources"} | PURE,
    "config": {"core", "state"},
    "web": ROOMS | {"config", "resources"},
    "cli": ROOMS | {"config", "resources", "state", "wiring"},
    "process": {"core"},
    "state": {"core"},
    "wiring": ROOMS | {"config", "resources", "process", "state"},
    "__main__": ROOMS | {"config", "wiring"},
}
for _room in ("plan", "answers"):
    ARROWS[_room] = ARROWS[_room] | {"distros"}
# A lab's file is YAML with its lines, and its variables are those of answer files, secrets among them.
ARROWS["lab"] = ARROWS["lab"] | {f"answers.{module}" for module in ("node", "secrets", "variables")}

# Who alone may import a library: rooms, or files by the beginning of their path.
DOORS: dict[str, tuple[str, ...]] = {
    "aioftp": ("mirror/ftp.py",),
    "aiohttp": ("web/", "mirror/"),
    "alembic": ("store/",),
    "click": ("cli/", "__main__.py"),
    "libvirt": ("hypervisor/",),
    "libvirtaio": ("hypervisor/",),
    "pycdlib": ("media/seed.py", "media/stick.py"),
    "pydantic": ("web/", "config.py", "cli/serve.py"),
    "pydhcp": ("netboot/packet.py",),
    "pykickstart": ("answers/lint",),
    "requests": ("cli/",),
    "rich": ("cli/",),
    "sqlalchemy": ("store/",),
    "tftpy": ("netboot/",),
    "yaml": ("answers/node.py",),
    "websocket": ("cli/console.py",),
}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted module of every import, wherever in the file it stands; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_arrows_point_inwards() -> None:
    wrong = []
    for file in FILES:
        room = room_of(file)
        for line, name in imports(file):
            head, _, inner = name.partition(".")
            target = inner.split(".")[0]
            if head != "provisioner" or target in ("", "__version__", room) or room == "__init__":
                continue
            allowed = ARROWS[room]
            if target not in allowed and not any(inner.startswith(a + ".") for a in allowed if "." in a):
                wrong.append(f"{file.relative_to(ROOT)}:{line}: {room} must not import {name}")

    assert wrong == []


def test_a_library_has_one_door() -> None:
    wrong = []
    for file in FILES:
        path = file.relative_to(PACKAGE).as_posix()
        for line, name in imports(file):
            doors = DOORS.get(name.split(".")[0])
            if doors and not path.startswith(doors):
                wrong.append(f"{path}:{line}: only {', '.join(doors)} may import {name.split('.')[0]}")

    assert wrong == []


def test_qemu_img_is_run_in_one_place() -> None:
    """A forgotten call without a format is how host files leak. `hosttools` says which package brings it."""
    named = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in FILES
        if file.relative_to(PACKAGE).as_posix() not in ("media/qemuimg.py", "media/hosttools.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"(^|/)qemu-img$", node.value)
    ]

    assert named == []


def test_core_needs_the_standard_library_only() -> None:
    foreign = {
        f"{file.name}:{line}: {name}"
        for file in (PACKAGE / "core").glob("*.py")
        for line, name in imports(file)
        if name.split(".")[0] not in sys.stdlib_module_names | {"provisioner"}
    }

    assert foreign == set()


def test_every_room_says_what_it_is_for() -> None:
    silent = [
        str(init.relative_to(ROOT))
        for init in PACKAGE.rglob("__init__.py")
        if not ast.get_docstring(ast.parse(init.read_text()))
    ]

    assert silent == []


def test_no_file_has_more_than_400_lines() -> None:
    places = [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "templates").rglob("*.*")]
    long = [f"{p.relative_to(ROOT)}: {n}" for p in places if (n := len(p.read_text().splitlines())) > 400]

    assert long == []


def test_every_setting_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)

    assert rows == list(Settings.model_fields)


def test_every_template_is_rendered_by_a_test(loaded_templates: set[Path]) -> None:
    shipped = {p for folder in ("templates", "kickstarts") for p in (ROOT / folder).rglob("*.j2")}

    assert sorted(str(p.relative_to(ROOT)) for p in shipped - loaded_templates) == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout: no list of the files")
def test_no_file_names_a_place_outside() -> None:
    """No registry host, no path of somebody's machine."""
    places = re.compile(r"/work/\w|pypi\.org|pythonhosted|deb\.debian\.org|registry\.npmjs")
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    named = [
        f"{name}: {match.group()}"
        for name in listing.stdout.splitlines()
        if name != "tests/test_house.py" and (ROOT / name).is_file()
        for match in places.finditer((ROOT / name).read_text(errors="replace"))
    ]

    assert named == []
