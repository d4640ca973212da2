"""Finds templates/ and kickstarts/ and builds the strict Jinja environments.

The wheel carries both folders under `provisioner/_data`; a checkout has them at its root.
"""

from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

_PACKAGE = Path(__file__).parent


@cache
def root() -> Path:
    """The folder that holds templates/ and kickstarts/."""
    packed = _PACKAGE / "_data"
    return packed if packed.is_dir() else _PACKAGE.parent


def _shipped(folder: str) -> FileSystemLoader:
    return FileSystemLoader(root() / folder)


@cache
def text(folder: str) -> Environment:
    """For boot scripts (`templates`): sandboxed, strict, no escaping."""
    return _plain(_shipped(folder))


@cache
def answers(folder: Path | None = None) -> Environment:
    """For answer files (`kickstarts`), which need no escaping either.

    A user's `folder` stands in front of ours, for whole templates and for single snippets. What it replaces
    is still there as `shipped/…`, so that a template can extend the one that it stands in front of.
    """
    ours = _shipped("kickstarts")
    front: list[BaseLoader] = [FileSystemLoader(folder)] if folder else []
    return _plain(ChoiceLoader([*front, ours, PrefixLoader({"shipped": ours})]), watched=bool(folder))


@cache
def markup() -> Environment:
    """For libvirt XML and HTML pages: strict, everything escaped."""
    return Environment(
        loader=_shipped("templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _plain(loader: BaseLoader, *, watched: bool = False) -> Environment:
    """`watched`: each use looks whether the file has changed, which ours never do."""
    return SandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=False,  # boot scripts and answer files are not markup
        auto_reload=watched,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
