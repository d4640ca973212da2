"""Files of a tree that is a directory of this host."""

from pathlib import Path

from provisioner.core.errors import Unavailable


def locate(source: str, path: str) -> Path | None:
    """The regular file at `path` below `source`, None where there is none; nothing outside is ever found.

    Links are followed, and may lead anywhere inside. Raises Unavailable where the directory is missing.
    """
    root = Path(source).resolve()
    if not root.is_dir():
        raise Unavailable(f"the directory {source} is not there", remedy="look whether it is still mounted")
    if "\0" in path or ".." in path.split("/"):
        return None
    try:
        found = (root / path.lstrip("/")).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, RuntimeError):
        return None  # a name too long, or links in a circle
