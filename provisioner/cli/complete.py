"""Names for the shell's completion, asked of the service; nothing where it does not answer."""

from collections.abc import Callable

import click

from provisioner.core.errors import ProvisionerError

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _names(noun: str) -> Completer:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from provisioner.cli.api import Api
        from provisioner.cli.endpoint import find

        try:
            found = Api(find()).get(noun)
        except (ProvisionerError, OSError):
            return []
        return [item["name"] for item in found if str(item["name"]).startswith(incomplete)]

    return complete


guests = _names("guests")
profiles = _names("profiles")
trees = _names("trees")
images = _names("images")
machines = _names("machines")
hosts = _names("hosts")
pools = _names("pools")
media = _names("media")
networks = _names("networks")
