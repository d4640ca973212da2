"""A click group whose commands are imported when they are called, so that help costs no imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """`target` is `module:attribute` below `provisioner.cli`; `summary` its line in the group's help."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """`sections` are headings with their commands, in the order in which help lists them."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, Entry]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sections = sections
        self.entries = {name: entry for part in sections.values() for name, entry in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, attribute = entry.target.split(":")
        command: click.Command = getattr(import_module(f"provisioner.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.entries))
        for heading, part in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), entry.summary) for name, entry in part.items()])
