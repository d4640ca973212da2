"""Finds templates/ and kickstarts/ and builds the strict Jinja environments.

The wheel carries both folders under `provisioner/_data`; a checkout has them at its root. A folder given as
`override` is looked at first, so that a site can replace one file.
"""

from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

_PACKAGE = Path(__file__).parent


@cache
def root() -> Path:
    """The folder that holds templates/ and kickstarts/."""
    packed = _PACKAGE / "_data"
    return packed if packed.is_dir() else _PACKAGE.parent


def _loader(folder: str, override: Path | None) -> ChoiceLoader:
    places = [override / folder] if override else []
    return ChoiceLoader([FileSystemLoader(place) for place in [*places, root() / folder]])


@cache
def text(folder: str, override: Path | None = None) -> Environment:
    """For boot scripts (`templates`) and answer files (`kickstarts`): sandboxed, strict, no escaping."""
    return SandboxedEnvironment(
        loader=_loader(folder, override),
        undefined=StrictUndefined,
        autoescape=False,  # boot scripts and answer files are not markup
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def markup(override: Path | None = None) -> Environment:
    """For libvirt XML and HTML pages: strict, everything escaped."""
    return Environment(
        loader=_loader("templates", override),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
