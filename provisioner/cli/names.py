"""The guests that the words of a command line name."""

from collections.abc import Callable, Sequence

import click

from provisioner.cli.errors import say
from provisioner.cli.output import remark
from provisioner.core.errors import Invalid, ProvisionerError, Unavailable
from provisioner.core.machine import check_name
from provisioner.core.names import expand


def several(words: Sequence[str], count: int = 1) -> list[str]:
    """The guests' names that the words of a command line mean. Raises UsageError."""
    if not words:
        raise click.UsageError("no guest is named: give its NAME")
    if count > 1 and len(words) > 1:
        raise click.UsageError("--count is for one name")
    try:
        names = [check_name(name, "guest name") for word in words for name in expand(word, count)]
    except Invalid as error:
        raise click.UsageError(str(error)) from None
    if len(set(names)) < len(names):
        raise click.UsageError("a guest is named twice")
    return names


def each_named(names: Sequence[str], act: Callable[[str], object], done: str) -> None:
    """Does it to one after the other: what stands against one holds up no other.

    Raises that for a single name, Unavailable where it stood against some of several.
    """
    failed = 0
    for name in names:
        try:
            act(name)
            remark(f"{name}: {done}")
        except ProvisionerError as error:
            if len(names) == 1:
                raise
            failed += 1
            say(f"error: {error}", remedy=error.remedy)
    if failed:
        raise Unavailable(f"{failed} of {len(names)} guests could not be told")
