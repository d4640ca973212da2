"""`provisioner install budget` and `profile pace`: what time goes into, beside earlier installs."""

from collections.abc import Mapping
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import installs, profiles
from provisioner.cli.output import Column, Format, document, field, output_option, remark, table
from provisioner.pace.change import range_, roughly, span


@click.command()
@click.argument("name", shell_complete=installs)
@output_option
def budget(name: str, output: Format) -> None:
    """Say what an installation's time went into, beside earlier ones of its profile.

    A stage that takes longer than nine of ten did is marked, with the day since which it is slower.
    """
    found: Any = connect().get("installs", name, "budget")
    if output != "table":
        document(found, output)
        return
    columns = (
        field("stage"),
        Column("TOOK", lambda s: _took(s), right=True),
        Column("MEDIAN", lambda s: span(s["usual"]["median"]) if s["usual"] else "", right=True),
        Column("DIFFERENCE", lambda s: _signed(s["difference"]), right=True),
        Column("", lambda s: "late" if s["late"] else " "),
        Column("SLOWER SINCE", _since),
    )
    click.echo(table(found["stages"], columns))
    click.echo()
    whole = f"{found['guest']}: {span(found['took'])}"
    if found["compared"]:
        others = "1 install" if found["compared"] == 1 else f"{found['compared']} installs"
        whole += f", of {span(found['expected'])} that {others} of {found['profile']} took"
    else:
        remark(f"no earlier install of {found['profile']} ended well: there is nothing to compare it with")
    click.echo(whole)
    if found["slower"]:
        click.echo(found["slower"])


@click.command()
@click.argument("name", shell_complete=profiles)
@output_option
def pace(name: str, output: Format) -> None:
    """Say how long a profile's installations take, for each way in which they were made."""
    found: Any = connect().get("profiles", name, "pace")
    if output != "table":
        document(found, output)
        return
    for number, one in enumerate(found):
        if number:
            click.echo()
        way = ", ".join(str(one[key]) for key in ("method", "boot", "by", "host") if one[key])
        installs = "1 install" if one["installs"] == 1 else f"{one['installs']} installs"
        click.echo(f"{way or 'made in a way that was not noted'}: {installs}")
        rows = [*one["stages"], {"stage": "in all", "takes": one["takes"], "change": None}]
        columns = (
            field("stage"),
            Column("MEDIAN", lambda s: span(s["takes"]["median"]), right=True),
            Column("NINE OF TEN", lambda s: f"{span(s['takes']['low'])} to {span(s['takes']['high'])}"),
            Column("CHANGED", lambda s: s["change"]["text"] if s["change"] else ""),
        )
        click.echo(table(rows, columns))
        click.echo(f"longest silence of the installer: {span(one['silence']['high'])}")


def left(install: Mapping[str, Any]) -> str:
    """What is left of an install in words, "" where nobody knows."""
    likely = install.get("left_seconds")
    if likely is None:
        return ""
    return range_(likely, install.get("left_least", likely), install.get("left_most", likely))


def likely(install: Mapping[str, Any]) -> str:
    """The same in one figure, for tables."""
    seconds = install.get("left_seconds")
    return "" if seconds is None else roughly(seconds)


def _took(stage: Mapping[str, Any]) -> str:
    took = stage["took"]
    return "" if took is None else span(took) + (" …" if stage["runs"] else "")


def _signed(difference: float | None) -> str:
    if difference is None:
        return ""
    return ("+" if difference >= 0 else "-") + span(abs(difference))


def _since(stage: Mapping[str, Any]) -> str:
    change = stage["change"]
    if not change or change["now"] < change["was"]:
        return ""
    return f"{change['since'][:10]} (was {span(change['was'])}, now {span(change['now'])})"
