"""`provisioner tree …`: install trees."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any
from urllib.parse import urlsplit

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import trees
from provisioner.cli.output import Format, field, output_option, pairs, remark, rows, size


@click.group()
def tree() -> None:
    """Install trees: kernels, initrds and packages of a release."""


def known(command: Callable[..., None]) -> Callable[..., None]:
    """What a person may know of a tree."""
    options = (
        click.option("--arch", default="", help="Processor, of a tree for several: x86_64, aarch64."),
        click.option("--family", default="", help="What installs it, where it does not tell: rhel, debian."),
        click.option("--release", default="", help="Its release, where it does not tell: 7.6."),
        click.option("--verify", is_flag=True, help="Read the files it has checksums of, from afar too."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@tree.command()
@click.argument("name")
@click.argument("source", default="")
@known
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="URL",
    help="A further place of the same files, asked where SOURCE fails. May be given more than once.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="OpenPGP public keys that its metadata must be signed with.",
)
@output_option
def add(
    name: str, source: str, mirrors: tuple[str, ...], key: Path | None, output: Format, **wanted: object
) -> None:
    """Make a tree known, and look what it is.

    \b
    SOURCE is one of
      /srv/centos7                         a directory of the service's host
      /srv/CentOS-7-x86_64-DVD.iso         an ISO file there; it is not mounted
      CentOS-7-x86_64-DVD.iso              the same in this folder, or in a media folder
      http://host/path, https://host/path
      ftp://[user:password@]host/path      anonymous without a user
      nfs://host/export/path[?version=3]   or nfs:host:/export/path
    Guests read all of them by HTTP from this service. A password is never shown again.
    Where SOURCE stands alone, the tree's name is made of it; where NAME stands alone, it is that of a
    system as osinfo-db has it: debian13, centos7.6, rocky9.4.
    A tree that is added again keeps its mirrors and its key where none are given; --mirror "" and
    --key /dev/null take them away.
    """
    api = connect()
    if not source and is_source(name):
        name, source = "", name
    body: dict[str, object] = {"name": name, "source": placed(source, api.endpoint.url), **_said(wanted)}
    if mirrors:
        body["mirrors"] = [url for url in mirrors if url]
    if key:
        body["key"] = armoured(key.read_bytes())
    found = api.post("trees", body=body)
    _print(found, output)


@tree.command()
@click.argument("source")
@known
@output_option
def explain(source: str, output: Format, **wanted: object) -> None:
    """Tell how SOURCE is recognised, or why it is no tree, and remember nothing.

    Each line is a question to the source: what was asked for, what was found, what it says.
    """
    api = connect()
    told = api.post("trees", "explain", body={"source": placed(source, api.endpoint.url), **_said(wanted)})
    if output != "table":
        pairs(told, [], output)
    else:
        columns = (field("asked"), field("found"), field("says"))
        rows(told["probes"], columns, output, empty="nothing was asked")
        names = ("family", "release", "arch", "kernel", "initrd", "refusal", "remedy")
        pairs(told, [(name, told[name]) for name in names if told[name]], output)
    if told["refusal"]:
        raise click.exceptions.Exit(1)


@tree.command("list")
@output_option
def list_trees(output: Format) -> None:
    """List trees."""
    columns = (field("name"), field("family"), field("release"), field("source"))
    rows(connect().get("trees"), columns, output, empty="no trees; add one with: provisioner tree add")


@tree.command()
@click.argument("name", shell_complete=trees)
@output_option
def show(name: str, output: Format) -> None:
    """Show what was found in a tree."""
    _print(connect().get("trees", name), output)


@tree.command()
@click.argument("name", shell_complete=trees)
def remove(name: str) -> None:
    """Forget a tree, and drop what the mirror has of it; its own files stay."""
    connect().delete("trees", name)
    remark(f"tree {name} is forgotten")


def is_source(text: str) -> bool:
    """Whether a word is where a tree lies, and not what it is called."""
    return "/" in text or ":" in text or text.lower().endswith(".iso")


def placed(source: str, url: str) -> str:
    """A file or folder of the working directory as its path, where the service at `url` has the same disk."""
    here = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    if here and ":" not in source and not source.startswith("/") and is_source(source):
        path = Path(source)
        return str(path.resolve()) if path.exists() else source
    return source


def armoured(key: bytes) -> str:
    """A file of OpenPGP public keys as text: keyrings of distributions are bytes."""
    if not key or b"-----BEGIN PGP" in key:
        return key.decode("utf-8", "replace")
    body = "\n".join(wrap(b64encode(key).decode(), 64))
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}\n-----END PGP PUBLIC KEY BLOCK-----\n"


def _said(wanted: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in wanted.items() if value}


def _print(item: dict[str, Any], output: Format) -> None:
    names = ("name", "source", "family", "release", "arch", "kernel", "initrd")
    mirror: tuple[tuple[str, object], ...] = (
        ("archive", f"{item['archive']}   (its source answers 404)" if item.get("archive") else ""),
        ("mirrors", "\n".join(item.get("mirrors") or ())),
        ("key", f"OpenPGP, {size(len(item['key']))}" if item.get("key") else ""),
        ("offline", "yes" if item.get("offline") else ""),
        ("pinned", "yes" if item.get("pinned") else ""),
        ("quota", size(item["quota"]) if item.get("quota") else ""),
    )
    pairs(item, [*((name, item.get(name)) for name in names), *mirror], output)
