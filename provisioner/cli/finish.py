"""How `guest create` and `guest rebuild` end: the install followed where asked to, the result printed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from provisioner.cli.errors import say
from provisioner.cli.output import Format, document, remark
from provisioner.core.errors import Unavailable
from provisioner.core.install import Stage


def finish(api: Any, name: str, body: Any, *, wait: bool, output: Format) -> None:
    """After create and rebuild: follows the install where asked to, and prints the result."""
    install = body["install"]
    if wait:
        from provisioner.cli.watch import until_installed

        until_installed(api, install["id"])
    if output != "table":
        document(api.get("guests", name) if wait else body, output)
    elif wait:
        ip = (api.get("guests", name).get("address") or {}).get("ip")
        click.echo(f"{name}: installed" + (f", log in with: provisioner guest ssh {name}" if ip else ""))
    else:
        click.echo(f"{name}: install {install['id']} has begun")
        remark(f"follow it with: provisioner install wait {name}")


def made_of(
    lines: Iterator[dict[str, Any]],
    names: list[str],
    key: str,
    each: Callable[[str, Any], None] = lambda name, made: None,
) -> list[Any]:
    """What was made, in the order of `names`; `each` hears of it at once.

    What stands against one is told at once too; what stands against many in the same words, once.
    """
    made: dict[str, Any] = {}
    told = set()
    for line in lines:
        if "name" in line and key in line:
            made[line["name"]] = line[key]
            each(line["name"], line[key])
        elif line["error"] not in told:
            told.add(line["error"])
            say(f"error: {line['error']}", remedy=line["remedy"])
    return [made[name] for name in names if name in made]


def check_all_made(made: Sequence[Any], names: Sequence[str]) -> None:
    """Raises Unavailable where fewer were made than there are names: each was told why."""
    if len(made) < len(names):
        raise Unavailable(f"{len(names) - len(made)} of {len(names)} guests were not made")


def all_installed(api: Any, guests: Sequence[str], *, timeout: float | None = None) -> tuple[list[Any], int]:
    """Their latest installs once all are over, and how many failed, each with its cause told.

    Raises Unavailable where `timeout` seconds are over before.
    """
    from provisioner.cli.follow import follow_all
    from provisioner.cli.records import install as record
    from provisioner.cli.watch import failure

    ended = follow_all(api, guests, timeout=timeout)
    failed = [one for one in ended if one["stage"] != Stage.INSTALLED]
    for one in failed:
        error = failure(record(one), api.get("installs", str(one["id"]), "why"))
        say(f"error: {error}", remedy=error.remedy)
    return ended, len(failed)


def finish_all(api: Any, bodies: list[Any], names: list[str], *, wait: bool, output: Format) -> None:
    """The same for those of several guests that were made. Raises Unavailable where one of `names` failed."""
    failed = 0
    if wait:
        _, failed = all_installed(api, [body["guest"]["name"] for body in bodies])
    if output != "table":
        document([api.get("guests", body["guest"]["name"]) for body in bodies], output)
    else:
        for body in bodies if not wait else ():
            click.echo(f"{body['guest']['name']}: install {body['install']['id']} has begun")
    check_all_made(bodies, names)
    if failed:
        raise Unavailable(f"{failed} of {len(bodies)} guests were not installed")
    if wait and output == "table":
        click.echo(f"{len(bodies)} guests: installed")
