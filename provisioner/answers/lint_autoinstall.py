"""Ubuntu's user-data, judged by the keys that its installer publishes."""

from collections.abc import Iterator

from provisioner.answers.autoinstall_shape import AUTOINSTALL, COMMAND_LISTS
from provisioner.answers.finding import Finding, by_line
from provisioner.answers.lint_shell import Script, shells
from provisioner.answers.node import Node, Unreadable, read_yaml, twice
from provisioner.answers.shape import OPEN, differences

_HEAD = "#cloud-config"


def autoinstall(text: str, syntax: str) -> list[Finding]:
    """Findings by the schema, and by a POSIX shell for the commands."""
    head = []
    if text.split("\n", 1)[0].rstrip() != _HEAD:
        head = [Finding(1, f"the first line must be {_HEAD}, or cloud-init does not read the rest")]
    try:
        document = read_yaml(text)
    except Unreadable as error:
        return [*head, error.finding]
    if document is None or document.kind != "map":
        return [*head, Finding(1, "there is no key autoinstall in it")]
    return sorted([*head, *twice(document), *_of_document(document)], key=by_line)


def _of_document(document: Node) -> Iterator[Finding]:
    found = document.get("autoinstall")
    for key, _ in document.pairs:
        if key.text in AUTOINSTALL.keys and key.text not in _CLOUD_CONFIG:
            yield Finding(key.line, f"{key.text} belongs below autoinstall", key.column)
    if found is None:
        yield Finding(1, "there is no key autoinstall in it: the installer would ask for everything")
        return
    yield from differences(found, AUTOINSTALL if found.kind == "map" else OPEN, "autoinstall")
    if found.kind == "map" and not any(map(found.get, ("identity", "user-data", "interactive-sections"))):
        yield Finding(
            found.line, "autoinstall needs identity or user-data: nobody could log in", found.column
        )
    for name in COMMAND_LISTS:
        commands = found.get(name)
        for number, command in enumerate(commands.items if commands else ()):
            if command.kind == "text":
                for wrong in shells([Script(command.text, command.line, "sh")]):
                    yield Finding(command.line, f"autoinstall.{name}[{number}]: {wrong.text}", command.column)


_CLOUD_CONFIG = frozenset(
    {"locale", "keyboard", "apt", "packages", "snaps", "timezone", "network", "proxy", "reporting"}
)
"""Keys of cloud-init's own that autoinstall has under the same names."""
