"""`--var NAME=VALUE`: variables of an answer file, as they are given on a command line."""

from typing import Any

import click

variable_option = click.option(
    "--var", "pairs", multiple=True, metavar="NAME=VALUE", help="A variable of the template; may be repeated."
)


no_lint_option = click.option(
    "--no-lint", is_flag=True, help="Let an answer file be served that did not pass its check; it is told."
)


def variables(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`--var NAME=VALUE` as a dict; a VALUE that is a TOML number, truth, list or string is taken as such."""
    from provisioner.cli.toml import value

    found = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--var {pair!r}: write NAME=VALUE")
        found[key] = value(text)
    return found
