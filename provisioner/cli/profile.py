"""`provisioner profile …`: tree, answer file and hardware defaults under one name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import guests, images, profiles, trees
from provisioner.cli.given import no_lint_option, variable_option, variables
from provisioner.cli.output import Column, Format, field, output_option, pairs, remark, rows
from provisioner.cli.pace import pace
from provisioner.core.errors import Invalid

FIELDS = (
    "name",
    "family",
    "release",
    "tree",
    "template",
    "image",
    "kernel_args",
    "memory",
    "vcpus",
    "disk",
    "variables",
    "summary",
)
name_argument = click.argument("name", shell_complete=profiles)


@click.group()
def profile() -> None:
    """Tree, answer file and hardware defaults under one name."""


profile.add_command(pace)


@profile.command("list")
@output_option
def list_profiles(output: Format) -> None:
    """List profiles; shipped ones are read-only and can be copied."""
    columns = (
        field("name"),
        field("family"),
        field("release"),
        field("tree"),
        field("image"),
        Column("SOURCE", lambda p: "shipped" if p.get("shipped") else "yours"),
        field("summary"),
    )
    rows(connect().get("profiles"), columns, output, empty="no profiles")


@profile.command()
@name_argument
@output_option
def show(name: str, output: Format) -> None:
    """Show a profile; secrets among its variables are shown as ***."""
    from provisioner.answers.variables import shown

    item = connect().get("profiles", name)
    fields: list[tuple[str, object]] = [(key.replace("_", " "), item.get(key)) for key in FIELDS]
    fields[FIELDS.index("memory")] = ("memory", f"{item['memory']} MiB")
    fields[FIELDS.index("disk")] = ("disk", f"{item['disk']:g} GiB")
    if "\n" in (own := item.get("template") or ""):
        fields[FIELDS.index("template")] = ("template", f"its own, {len(own.splitlines())} lines: -o json")
    lines = [f"{key} = {shown(key, value)}" for key, value in (item.get("variables") or {}).items()]
    fields[FIELDS.index("variables")] = ("variables", "\n".join(lines))
    pairs(item, [*fields, ("source", "shipped" if item.get("shipped") else "yours")], output)


def field_options(function: Any) -> Any:
    """One option for each field of a profile."""
    for option in reversed(
        (
            click.option(
                "--family", help="Kind of installer: rhel, fedora, debian, ubuntu, suse, agama, image."
            ),
            click.option("--release", help="Release, such as 7 or 13."),
            click.option("--tree", shell_complete=trees, help="The tree that it installs from."),
            click.option(
                "--template", help="Answer template, such as rhel/ks.cfg.j2.  [default: the family's]"
            ),
            click.option(
                "--image", shell_complete=images, help="The image that the mini installer installs."
            ),
            click.option("--kernel-args", help="Kernel arguments of the installer."),
            click.option("--memory", type=click.IntRange(128), metavar="MIB", help="Memory of its guests."),
            click.option("--vcpus", type=click.IntRange(1), help="Virtual CPUs of its guests."),
            click.option(
                "--disk", type=click.FloatRange(0, min_open=True), metavar="GIB", help="Their disk."
            ),
            click.option("--summary", help="One line for the list."),
            variable_option,
            no_lint_option,
        )
    ):
        function = option(function)
    return function


@profile.command()
@click.argument("name")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A TOML file with the fields; the options win over it.",
)
@field_options
def create(name: str, source: Path | None, pairs: tuple[str, ...], **options: Any) -> None:
    """Create a profile from options or from a TOML file."""
    from provisioner.cli.toml import read

    written, changes = read(source.read_text(), str(source)) if source else {}, _changes(options, pairs)
    if "variables" in changes:
        changes["variables"] = {**(written.get("variables") or {}), **changes["variables"]}
    wanted = {**written, **changes}
    missing = [key for key in ("family", "tree") if not wanted.get(key)]
    if missing:
        options_text = ", ".join(f"--{key}" for key in missing)
        raise click.UsageError(f"profile {name} needs {options_text} (or a --file that has them)")
    connect().post("profiles", body={**wanted, "name": name})
    remark(f"profile {name} is created")


@profile.command()
@name_argument
@click.argument("new")
def copy(name: str, new: str) -> None:
    """Copy profile NAME to NEW, which can then be edited."""
    connect().post("profiles", name, "copy", body={"name": new})
    remark(f"profile {new} is created; change it with: provisioner profile edit {new}")


@profile.command()
@name_argument
@field_options
def edit(name: str, pairs: tuple[str, ...], **options: Any) -> None:
    """Change a profile: by the options given, or in $EDITOR where none is."""
    changes = _changes(options, pairs)
    api = connect()
    before = api.get("profiles", name)
    if before.get("shipped"):
        raise Invalid(
            f"profile {name} is shipped and read-only",
            remedy=f"copy it first: provisioner profile copy {name} my-{name}",
        )
    current = {key: before[key] for key in FIELDS if key in before}
    if "variables" in changes:
        changes["variables"] = {**(current.get("variables") or {}), **changes["variables"]}
    after = {**current, **changes} if changes else _in_editor(name, current)
    if after == current:
        remark("nothing changed")
        return
    api.put("profiles", name, body={**after, "name": name})
    remark(f"profile {name} is changed")


@profile.command()
@name_argument
@click.option("--guest", "-g", default="", shell_complete=guests, help="With the variables of this guest.")
@output_option
def explain(name: str, guest: str, output: Format) -> None:
    """Each variable of a profile's answer file, its value, and who gave it: host, profile or guest."""
    found = connect().get("profiles", name, "explain", **({"guest": guest} if guest else {}))["variables"]
    columns = (field("name"), Column("VALUE", _value), Column("FROM", lambda row: row["origin"]))
    rows(found, columns, output, empty="no variables")


@profile.command()
@name_argument
def remove(name: str) -> None:
    """Remove a profile of yours; guests installed from it stay."""
    connect().delete("profiles", name)
    remark(f"profile {name} is removed")


def _value(row: Mapping[str, Any]) -> str:
    value = row["value"]
    if isinstance(value, list):
        return " ".join(str(item.get("name")) if isinstance(item, dict) else str(item) for item in value)
    first, *more = str(value).splitlines() or [""]
    return f"{first} …" if more else first


def _changes(options: dict[str, Any], pairs: tuple[str, ...]) -> dict[str, Any]:
    given = variables(pairs) | ({"lint": False} if options.pop("no_lint") else {})
    changes = {key: value for key, value in options.items() if value is not None}
    return {**changes, "variables": given} if given else changes


def _in_editor(name: str, current: dict[str, Any]) -> dict[str, Any]:
    from provisioner.cli.toml import dump, read

    head = f"# Profile {name}. Save and leave the editor to apply; an unchanged file changes nothing.\n"
    edited = click.edit(head + dump(current), extension=".toml", require_save=True)
    return current if edited is None else read(edited, f"the edited profile {name}")
