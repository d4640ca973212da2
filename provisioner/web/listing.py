"""The page of a folder of a tree: for people who look around in it, without a script, a style or a secret."""

from datetime import UTC, datetime
from urllib.parse import quote

from aiohttp import web

from provisioner.web.html import page
from provisioner.web.services_files import Listed

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def listing(tree: str, path: str, entries: Listed) -> web.Response:
    """`path` is "" or ends in a slash."""
    rows = []
    for entry in entries:
        name = entry.name + "/" * entry.folder
        rows.append(
            {
                # Beginning with ./ a name with a colon is no scheme.
                "link": "./" + quote(name, safe="/", errors="surrogateescape"),
                "name": _legible(name),
                "size": "" if entry.size is None else entry.size,
                "changed": "" if entry.modified is None else _when(entry.modified),
            }
        )
    headers = {"Content-Security-Policy": _POLICY}
    return page("listing.html.j2", headers=headers, tree=tree, path=_legible(path), entries=rows)


def _legible(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _when(modified: float) -> str:
    try:
        return datetime.fromtimestamp(modified, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return ""
