"""Files of a tree that is a directory of this host."""

import os
from pathlib import Path

from provisioner.core.errors import Unavailable


def locate(source: str, path: str) -> Path | None:
    """The regular file at `path` below `source`, None where there is none; nothing outside is ever found.

    Links are followed, and may lead anywhere inside. Raises Unavailable where the directory itself is missing.
    """
    root = os.path.realpath(source)
    if not os.path.isdir(root):
        raise Unavailable(f"the directory {source} is not there", remedy="look whether it is still mounted")
    if "\0" in path or ".." in path.split("/"):
        return None
    found = os.path.realpath(os.path.join(root, path.lstrip("/")))
    if os.path.commonpath([root, found]) != root or not os.path.isfile(found):
        return None
    return Path(found)
