"""`provisioner mirror …`: what is kept of trees, told and switched."""

import re
from typing import Any

import click

from provisioner.cli.amount import Size
from provisioner.cli.api import connect
from provisioner.cli.complete import trees
from provisioner.cli.confirm import confirm
from provisioner.cli.mirror_sync import stop, sync
from provisioner.cli.mirror_verify import repair, verify
from provisioner.cli.output import Column, Format, document, field, output_option, pairs, remark, rows, size

tree_argument = click.argument("tree", shell_complete=trees)
_UNITS = {"h": 1 / 24, "d": 1.0, "w": 7.0}


@click.group()
def mirror() -> None:
    """What is kept of trees: fetched once, checked, and served without them.

    Whatever an installer asks of a tree on a server is kept here: the next one gets it from this disk.
    """


for _command in (sync, stop, verify, repair):
    mirror.add_command(_command)


@mirror.command()
@click.argument("tree", default="", shell_complete=trees)
@output_option
def status(tree: str, output: Format) -> None:
    """Show what is kept of every tree, or all about one.

    Hits and bytes count from the service's start. SAVED is what guests got and no upstream had to send.
    """
    if tree:
        _print(connect().get("mirror", tree), output)
        return
    found = connect().get("mirror")
    if output != "table":
        document(found, output)
        return
    columns = (
        Column("TREE", lambda t: t["name"]),
        Column("FILES", lambda t: t["files"], right=True),
        Column("KEPT", lambda t: size(t["size"]), right=True),
        Column("VERIFIED", lambda t: _share(t["verified"], t["files"]), right=True),
        Column("HITS", lambda t: _rate(t["hit_rate"]), right=True),
        Column("SAVED", lambda t: size(t["saved"]), right=True),
        Column("STATE", _state),
        Column("UPSTREAM", _upstream),
        Column("NOTE", _note),
    )
    cached = [item for item in found["trees"] if item["cached"]]
    rows(cached, columns, output, empty="no tree of a server; add one with: provisioner tree add")
    for alarm in found["alarms"]:
        click.echo(alarm)
    if found["offline"]:
        click.echo("every tree is offline: provisioner mirror offline --all off")


@mirror.command()
@click.argument("words", nargs=-1, metavar="[TREE] [on|off]", shell_complete=trees)
@click.option("--all", "everything", is_flag=True, help="All trees, also those that are added later.")
def offline(words: tuple[str, ...], everything: bool) -> None:
    """Serve a tree, or all, from what is kept: no upstream is asked.

    What is not kept is not there for a guest then. `off` asks upstreams again.
    """
    *names, state = words if words and words[-1] in ("on", "off") else (*words, "on")
    if len(names) != (0 if everything else 1):
        raise click.UsageError("name one TREE, or --all, and on or off")
    where = ("mirror", *names, "offline")
    remark(str(connect().put(*where, body={"on": state == "on"})["done"]))


@mirror.command()
@tree_argument
def pin(tree: str) -> None:
    """Keep all that is kept of TREE when room is needed for others."""
    remark(str(connect().put("mirror", tree, "pinned", body={"on": True})["done"]))


@mirror.command()
@tree_argument
def unpin(tree: str) -> None:
    """Let what is kept of TREE make room for others."""
    remark(str(connect().put("mirror", tree, "pinned", body={"on": False})["done"]))


@mirror.command()
@tree_argument
@click.argument("limit", metavar="SIZE|none")
@click.pass_context
def quota(ctx: click.Context, tree: str, limit: str) -> None:
    """Keep at most SIZE of TREE, such as 40G; none takes the limit away.

    What was not asked for longest goes first.
    """
    bytes_ = 0 if limit == "none" else Size().convert(limit, None, ctx)
    remark(str(connect().put("mirror", tree, "quota", body={"size": bytes_})["done"]))


@mirror.command()
@tree_argument
@click.option(
    "--older-than",
    "age",
    default="30d",
    show_default=True,
    metavar="AGE",
    help="What was not handed out for so long: 12h, 30d, 8w.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
def clean(tree: str, age: str, yes: bool, output: Format) -> None:
    """Remove what nobody asked of TREE for long."""
    days = _days(age)
    confirm(f"This removes what nobody asked of tree {tree} for {age}.", "Remove it?", yes=yes)
    _gone(tree, connect().post("mirror", tree, "clean", body={"days": days}), output)


@mirror.command()
@tree_argument
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
def drop(tree: str, yes: bool, output: Format) -> None:
    """Remove all that is kept of TREE; the tree stays known."""
    api = connect()
    if not yes:
        kept = api.get("mirror", tree)
        what = f"This removes all that is kept of tree {tree}: {kept['files']} files, {size(kept['size'])}."
        confirm(what, "Remove it?", yes=yes)
    _gone(tree, api.delete("mirror", tree, "files"), output)


@mirror.command()
@tree_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["dnf", "apt", "zypper"]),
    help="Whose configuration; by default that of the tree's own system.",
)
@click.option("--address", default="", help="Ours, as the system reaches it; by default the one known.")
def snippet(tree: str, form: str | None, address: str) -> None:
    """Print what an installed system needs to get its packages through this mirror."""
    asked = {"format": form, "address": address}
    found = connect().get("mirror", tree, "snippet", **{key: value for key, value in asked.items() if value})
    click.echo(found["text"], nl=False)


def _days(age: str) -> float:
    found = re.fullmatch(r"(\d{1,5})([hdw])", age)
    if not found:
        raise click.BadParameter(f"{age!r} is not an age; write 12h, 30d or 8w", param_hint="--older-than")
    return int(found[1]) * _UNITS[found[2]]


def _gone(tree: str, gone: dict[str, Any], output: Format) -> None:
    if output != "table":
        document(gone, output)
    else:
        click.echo(f"{gone['files']} files of tree {tree} are removed, {size(gone['size'])}")


def _share(part: int, whole: int) -> str:
    return _rate(part / whole if whole else None)


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.0f} %"


def _state(tree: Any) -> str:
    words = [word for word in ("offline", "pinned") if tree[word]]
    if tree["sync"]:
        words.insert(0, f"syncing {tree['sync']['files']}/{tree['sync']['of_files']}")
    return ", ".join(words) or "online"


def _upstream(tree: Any) -> str:
    """How its places are, the worst in words."""
    if not tree["upstreams"]:
        return "not asked yet"
    bad = [place for place in tree["upstreams"] if place["state"] != "ok"]
    if not bad:
        return "ok"
    return (
        f"{bad[0]['state']}: {bad[0]['reason']}"
        if len(tree["upstreams"]) == 1
        else (f"{len(tree['upstreams']) - len(bad)} of {len(tree['upstreams'])} ok")
    )


def _note(tree: Any) -> str:
    moved = [f"read from {tree['archive']}"] if tree["archive"] else []
    return "; ".join([*moved, *tree["notes"]])


def _print(item: dict[str, Any], output: Format) -> None:
    if output != "table":
        document(item, output)
        return
    if not item["cached"]:
        pairs(item, [("tree", item["name"]), ("source", item["source"]), ("kept", "on this host")], output)
        return
    signed = [f"{count} files signed by {key}" for key, count in item["signed"].items()]
    sync = item["sync"]
    fields: list[tuple[str, object]] = [
        ("tree", item["name"]),
        ("source", item["source"]),
        ("state", _state(item)),
        ("quota", size(item["quota"]) if item["quota"] else ""),
        ("kept", f"{item['files']} files, {size(item['size'])}"),
        ("verified", f"{item['verified']} files, {item['unverified']} that nothing vouches for"),
        ("signed", "\n".join(signed)),
        ("hits", f"{_rate(item['hit_rate'])} of {item['hits'] + item['misses']} requests"),
        ("served", f"{size(item['served'])}, {size(item['fetched'])} fetched, {size(item['saved'])} saved"),
        ("sync", f"{sync['files']} of {sync['of_files']} files, {sync['failed']} failed" if sync else ""),
        ("archive", item["archive"]),
        ("notes", "\n".join(item["notes"])),
    ]
    pairs(item, fields, output)
    columns = (
        field("url", "UPSTREAM"),
        field("state"),
        Column("REQUESTS", lambda p: p["requests"], right=True),
        Column("BYTES", lambda p: size(p["bytes"]), right=True),
        Column("SINCE", lambda p: (p["since"] or "").replace("T", " ")[:19]),
        field("reason"),
    )
    if item["upstreams"]:
        rows(item["upstreams"], columns, output, empty="")
