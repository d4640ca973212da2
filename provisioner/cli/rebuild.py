"""`provisioner rebuild` and `guest rebuild`: guests installed anew, after saying what each loses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import guests, profiles
from provisioner.cli.confirm import confirm
from provisioner.cli.errors import say
from provisioner.cli.finish import finish, finish_all, made_of
from provisioner.cli.names import several
from provisioner.cli.output import Format, document, output_option, size
from provisioner.core.errors import Unavailable


@click.command()
@click.argument("name", nargs=-1, required=True, metavar="NAME…", shell_complete=guests)
@click.option("-p", "--profile", default="", shell_complete=profiles, help="Install this one from now on.")
@click.option(
    "--keep-disks", "wipe", flag_value="none", help="Empty no disk: the installer finds what is there."
)
@click.option("--wipe", "wipe", flag_value="all", help="Empty the further disks too, not the system's alone.")
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="Let so many of them install at a time.")
@click.option("--dry-run", is_flag=True, help="Say what each would lose; change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Follow the installations to their end.")
@output_option
def rebuild(
    name: tuple[str, ...],
    profile: str,
    wipe: str | None,
    at_once: int | None,
    *,
    dry_run: bool,
    yes: bool,
    wait: bool,
    output: Format,
) -> None:
    """Install guests anew in place: name, UUID and MAC addresses stay, the system disk is emptied.

    Guests that run, or are installed, are lost by it: that is asked about first. NAME may stand for
    several, by the shell or by us: web{01..10}.
    """
    api, names = connect(), several(name)
    how = {"profile": profile} if profile else {}
    how |= {"wipe": wipe} if wipe else {}
    if dry_run or not yes:
        losses = _losses(api, names, how)
        if dry_run:
            _print(losses, output)
            _check_all(losses, names)
            return
        _ask(losses)
        names = [loss["guest"]["name"] for loss in losses] or names
    if len(names) == 1:
        body = api.patient("guests", names[0], "rebuild", body=how)
        finish(api, names[0], body, wait=wait, output=output)
        return
    asked = {"names": names, **how, **({"at_once": at_once} if at_once else {})}
    made = made_of(api.lines("guests", "rebuild", body=asked), names, "created")
    finish_all(api, made, names, wait=wait, output=output)


def _losses(api: Api, names: Sequence[str], how: Mapping[str, str]) -> list[Any]:
    """What each would lose, in the order of the names. What stands against one of several is said."""
    found = {}
    for line in api.lines("guests", "rebuild", body={"names": names, **how}, dry_run="1"):
        if "loses" in line:
            found[line["name"]] = line["loses"]
        elif len(names) == 1:
            raise Unavailable(line["error"], remedy=line["remedy"])
        else:
            say(f"error: {line['name']}: {line['error']}", remedy=line["remedy"])
    if not found:
        raise Unavailable(f"none of the {len(names)} guests can be rebuilt")
    return [found[name] for name in names if name in found]


def _check_all(losses: Sequence[Any], names: Sequence[str]) -> None:
    if len(losses) < len(names):
        raise Unavailable(f"{len(names) - len(losses)} of {len(names)} guests cannot be rebuilt")


def _print(losses: Sequence[Any], output: Format) -> None:
    if output != "table":
        document(losses, output)
        return
    for loss in losses:
        for line in sentences(loss):
            click.echo(line)


def _ask(losses: Sequence[Any]) -> None:
    """Raises Abort or Invalid where guests that are in use are not to be lost."""
    used = [loss for loss in losses if loss["in_use"]]
    if not used:
        return
    told = "\n".join(line for loss in used for line in sentences(loss))
    names = ", ".join(loss["guest"]["name"] for loss in used[:5]) + (" …" if len(used) > 5 else "")
    who = f"guest {names}" if len(used) == 1 else f"{len(used)} guests ({names})"
    confirm(
        f"This installs {who} anew, in use as {'it is' if len(used) == 1 else 'they are'}.",
        f"Rebuild {used[0]['guest']['name'] if len(used) == 1 else f'{len(losses)} guests'}?",
        yes=False,
        details=told,
    )


def sentences(loss: Mapping[str, Any]) -> Iterator[str]:
    """One line for the guest, one for each thing that goes, and for each that stays."""
    guest = loss["guest"]
    install = guest.get("install") or {}
    stage = f", {install['stage']}" if install else ""
    source = loss["profile"] or "its image"
    yield f"{guest['name']} ({guest['state']}{stage}) is installed anew from {source}:"
    if install and install["stage"] not in ("installed", "failed", "cancelled"):
        yield f"  ends     install {install['id']} ({install['stage']}, {install['percent']} %)"
    for word, volumes in (("empties", loss["gone"]), ("keeps", loss["kept"])):
        for volume in volumes:
            yield f"  {word:<8} {volume['name']} in pool {volume['pool']} ({_sizes(volume)})"
    if loss["nvram"]:
        yield "  resets   its UEFI variables; its disk boots before the network again"
    for warning in loss["plan"]["warnings"]:
        yield f"  warning  {warning}"


def _sizes(volume: Mapping[str, Any]) -> str:
    return f"{size(volume['capacity'])}, {size(volume['allocation'])} taken"
