"""The profiles that come with the program: files beside their templates, never written."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache

from provisioner import resources
from provisioner.core.errors import Invalid
from provisioner.core.profile import Profile

_FIELDS = {row.name for row in fields(Profile)} - {"name", "shipped"}


@cache
def shipped() -> Mapping[str, Profile]:
    """By name. Raises Invalid for a file that is none."""
    files = sorted((resources.root() / "kickstarts").glob("*/*.toml"))
    return {file.stem: _profile(file.stem, file.read_text()) for file in files}


def _profile(name: str, text: str) -> Profile:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"shipped profile {name}: {error}") from error
    unknown = sorted(values.keys() - _FIELDS)
    if unknown:
        raise Invalid(f"shipped profile {name}: {', '.join(unknown)} is not known to a profile")
    return Profile(name=name, shipped=True, **values)
