"""What is installed from: trees at `/trees` and `/trees/{name}`, media and images at `/media`."""

from collections.abc import Sequence

from aiohttp import web

from provisioner.core.media import MediaFile
from provisioner.core.profile import Profile, Tree
from provisioner.core.source import shown
from provisioner.service.mirror import TreeStatus
from provisioner.web.hosts import amount
from provisioner.web.html import page
from provisioner.web.keys import SERVICES
from provisioner.web.routes import Route

TABS = (("/trees", "Trees"), ("/media", "Media and images"))
_GIB = 1024**3


async def trees(request: web.Request) -> web.Response:
    """Every tree, and what is kept of it."""
    services = request.app[SERVICES]
    found = await services.trees.list()
    kept = {status.tree.name: status for status in await services.mirror.mirror.status()}
    used = await services.profiles.list()
    rows = [_tree(tree, kept.get(tree.name), used) for tree in found]
    return page("trees.html.j2", place="trees", tabs=_tabs("/trees"), trees=rows)


async def tree(request: web.Request) -> web.Response:
    """One tree: what it is, its further places and keys, and what is kept of it."""
    services = request.app[SERVICES]
    found = await services.trees.get(request.match_info["name"])
    kept = {status.tree.name: status for status in await services.mirror.mirror.status()}
    return page(
        "tree.html.j2",
        place="trees",
        tree=_tree(found, kept.get(found.name), await services.profiles.list()),
    )


async def media(request: web.Request) -> web.Response:
    """ISO and disk images of the media folders, and the images that were built."""
    services = request.app[SERVICES]
    used = await services.profiles.list()
    images = [
        {
            "name": image.name,
            "size": amount(image.size / 1024),
            "unpacked": amount(image.unpacked / 1024),
            "tuned": image.tuned,
            "summary": image.summary,
            "profiles": [row.name for row in used if row.image == image.name],
        }
        for image in await services.images.list()
    ]
    files = [_medium(file) for file in await services.media.list()]
    return page("media.html.j2", place="trees", tabs=_tabs("/media"), files=files, images=images)


def _tabs(here: str) -> list[dict[str, object]]:
    return [{"path": path, "name": name, "here": path == here} for path, name in TABS]


def _tree(tree: Tree, status: TreeStatus | None, profiles: Sequence[Profile]) -> dict[str, object]:
    cached = status is not None and status.cached
    kept = status.kept if status is not None else None
    return {
        "name": tree.name,
        "source": shown(tree.source),
        "family": tree.family,
        "release": tree.release,
        "arch": tree.arch,
        "kernel": tree.kernel,
        "initrd": tree.initrd,
        "mirrors": "\n".join(map(shown, tree.mirrors)),
        "key": tree.key,
        "secret": any(shown(place) != place for place in (tree.source, *tree.mirrors)),
        "offline": tree.offline,
        "pinned": tree.pinned,
        "quota": f"{tree.quota / _GIB:g}" if tree.quota else "",
        "cached": cached,
        "kept": f"{amount(kept.size / 1024)} in {kept.files} files" if kept and kept.files else "nothing yet",
        "files": kept.files if kept else 0,
        "syncing": bool(status and status.sync),
        "profiles": [profile.name for profile in profiles if profile.tree == tree.name],
    }


def _medium(file: MediaFile) -> dict[str, object]:
    return {
        "name": file.name,
        "kind": {"iso": "ISO", "disk": "disk image", "other": "file", "refused": "refused"}[file.kind],
        "state": file.kind,
        "size": amount(file.size / 1024),
        "holds": amount(file.virtual_size / 1024) if file.virtual_size else "",
        "format": file.format,
        "own": file.own,
        "note": file.note,
        "tree": file.tree,
    }


ROUTES = (
    Route("GET", "/trees", trees, "person"),
    Route("GET", "/trees/{name}", tree, "person"),
    Route("GET", "/media", media, "person"),
)
