"""`provisioner tree …`: install trees."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import trees
from provisioner.cli.output import Format, field, output_option, pairs, remark, rows


@click.group()
def tree() -> None:
    """Install trees: kernels, initrds and packages of a release."""


@tree.command()
@click.argument("name")
@click.argument("source", default="")
@output_option
def add(name: str, source: str, output: Format) -> None:
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
    Where SOURCE stands alone, the tree's name is made of it.
    """
    api = connect()
    if not source and is_source(name):
        name, source = "", name
    found = api.post("trees", body={"name": name, "source": placed(source, api.endpoint.url)})
    _print(found, output)


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
    """Forget a tree; its files stay."""
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


def _print(item: dict[str, object], output: Format) -> None:
    names = ("name", "source", "family", "release", "arch", "kernel", "initrd")
    pairs(item, [(name, item.get(name)) for name in names], output)
