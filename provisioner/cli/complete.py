"""Names for the shell's completion, asked of the service; nothing where it does not answer."""

from collections.abc import Callable

import click

from provisioner.core.errors import ProvisionerError

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _names(noun: str, only: str = "") -> Completer:
    """Those of a noun, of which `only` is true where it is given."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from provisioner.cli.api import Api
        from provisioner.cli.endpoint import find

        try:
            found = Api(find()).get(noun)
        except (ProvisionerError, OSError):
            return []
        names = (str(item["name"]) for item in found if not only or item[only])
        return [name for name in names if name.startswith(incomplete)]

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
own_loaders = _names("loaders", "own")


def firmwares(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from provisioner.core.firmware import FIRMWARES

    return [row.name for row in FIRMWARES if row.loaders and row.name.startswith(incomplete)]
