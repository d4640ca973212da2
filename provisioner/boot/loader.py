"""First loaders by name. A name is looked up among those we have, never joined to a path."""

import re
from collections.abc import Mapping


def canonical(asked: str) -> str:
    """The name without what is only spelling: backslashes, doubled slashes, a leading slash."""
    return re.sub(r"/+", "/", asked.replace("\\", "/")).removeprefix("/")


def pick(asked: str, shelf: Mapping[str, bytes]) -> bytes | None:
    """A loader's bytes, None for any name that is not on the shelf."""
    return shelf.get(canonical(asked))
