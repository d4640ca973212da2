"""`/trees` and `/images`: what is installed from. A build tells its progress line by line."""

import json
import logging
from dataclasses import replace

from aiohttp import web

from provisioner.core.errors import ProvisionerError
from provisioner.core.profile import Image, Tree
from provisioner.core.source import shown
from provisioner.web.errors import problem
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, NewImage, NewTree, to_data

log = logging.getLogger(__name__)


async def list_trees(request: web.Request, _body: None) -> object:
    return [_told(tree) for tree in await request.app[SERVICES].trees.list()]


async def add_tree(request: web.Request, body: NewTree) -> object:
    return _told(await request.app[SERVICES].trees.add(body.name, body.source))


async def show_tree(request: web.Request, _body: None) -> object:
    return _told(await request.app[SERVICES].trees.get(request.match_info["name"]))


async def remove_tree(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].trees.remove(name)
    return Done(done=f"tree {name} is forgotten; its files stay")


def _told(tree: Tree) -> Tree:
    """A password in a tree's source is kept for reading it and told to nobody."""
    return replace(tree, source=shown(tree.source))


async def list_images(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].images.list())


async def build_image(request: web.Request, body: NewImage) -> object:
    """`{"line": …}` as the build goes, then `{"image": …}` or `{"error": …, "remedy": …}`.

    An error before the first line is an ordinary problem; a client that leaves ends the build.
    """
    lines = aiter(request.app[SERVICES].images.build(body.name, tune=body.tune, mirror=body.mirror))
    first = await anext(lines, None)
    response = web.StreamResponse(
        headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    try:
        if first is not None:
            await response.write(_line(first))
            async for item in lines:
                await response.write(_line(item))
    except ConnectionError:
        raise
    except Exception as error:
        if not isinstance(error, ProvisionerError):
            log.exception("building image %s failed", body.name)
        found = problem(error)
        await response.write(_json({"error": found.detail, "remedy": found.remedy}))
    finally:
        if (close := getattr(lines, "aclose", None)) is not None:
            await close()
    await response.write_eof()
    return response


def _line(item: str | Image) -> bytes:
    return _json({"line": item} if isinstance(item, str) else {"image": to_data(item)})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


async def remove_image(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].images.remove(name)
    return Done(done=f"image {name} is removed")


OPERATIONS = (
    Operation("GET", "/trees", "List trees", list_trees, list[Tree]),
    Operation("POST", "/trees", "Make a tree known", add_tree, Tree, takes=NewTree, status=201),
    Operation("GET", "/trees/{name}", "Show a tree", show_tree, Tree),
    Operation("DELETE", "/trees/{name}", "Forget a tree", remove_tree, Done),
    Operation("GET", "/images", "List images", list_images, list[Image]),
    Operation(
        "POST",
        "/images",
        "Build an image; a JSON object a line",
        build_image,
        None,
        takes=NewImage,
        content="application/x-ndjson",
    ),
    Operation("DELETE", "/images/{name}", "Remove an image and its file", remove_image, Done),
)
