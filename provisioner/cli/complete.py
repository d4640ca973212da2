"""Names for the shell's completion, asked of the service; nothing where it does not answer."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from provisioner.core.errors import ProvisionerError

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _asked(*path: str, **params: str) -> list[Mapping[str, Any]]:
    """A list of the API; empty where nobody answers."""
    from provisioner.cli.api import Api
    from provisioner.cli.endpoint import find

    try:
        found = Api(find()).get(*path, **params)
    except (ProvisionerError, OSError):
        return []
    return found if isinstance(found, list) else []


def _names(noun: str, only: str = "") -> Completer:
    """Those of a noun, of which `only` is true where it is given."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        names = (str(item["name"]) for item in _asked(noun) if not only or item[only])
        return [name for name in names if name.startswith(incomplete)]

    return complete


def installs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of guests and machines that were installed; ids only once one is begun."""
    found = _asked("installs", limit="1000")
    names = dict.fromkeys(str(item["guest"]) for item in found)
    ids = [str(item["id"]) for item in found] if incomplete else []
    return [name for name in (*names, *ids) if name.startswith(incomplete)]


def spoken_of(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Guests and machines."""
    return guests(ctx, param, incomplete) + machines(ctx, param, incomplete)


def places(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Where a card may be plugged in: `network=NAME`, `bridge=NAME`."""
    found = _asked("networks")
    bridges = {str(item["bridge"]) for item in found if item.get("bridge")}
    words = [f"network={item['name']}" for item in found] + [f"bridge={name}" for name in sorted(bridges)]
    return [word for word in words if word.startswith(incomplete)]


def volumes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Those of the pool that stands before them on the command line."""
    pool = ctx.params.get("pool")
    found = _asked("pools", str(pool), "volumes") if pool else []
    return [name for item in found if (name := str(item["name"])).startswith(incomplete)]


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
