"""`/trees` and `/images`: what is installed from. A build tells its progress line by line."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import fields

from aiohttp import web

from provisioner.core.profile import Image, ToldTree, Tree
from provisioner.core.source import shown
from provisioner.service.recognition import Wanted
from provisioner.web.keys import SERVICES
from provisioner.web.lines import CONTENT, Line, send_lines
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, NewImage, to_data
from provisioner.web.schemas_trees import NewTree, TreeExplained, TreeProbe, TreeQuestion


async def list_trees(request: web.Request, _body: None) -> object:
    return [_told(request, tree) for tree in await request.app[SERVICES].trees.list()]


async def add_tree(request: web.Request, body: NewTree) -> object:
    added = request.app[SERVICES].trees.add(
        body.name, body.source, wanted(body), mirrors=body.mirrors, key=body.key
    )
    return _told(request, await added)


async def explain_tree(request: web.Request, body: TreeQuestion) -> object:
    found = await request.app[SERVICES].trees.explain(body.source, wanted(body))
    facts, refusal = found.facts, found.refusal
    return TreeExplained(
        source=shown(found.source),
        probes=[TreeProbe(asked=probe.asked, found=probe.found, says=probe.says) for probe in found.probes],
        requests=len(found.probes),
        refusal=str(refusal or ""),
        remedy=refusal.remedy if refusal else "",
        **{name: getattr(facts, name) for name in _FACTS if facts},
    )


def wanted(body: TreeQuestion) -> Wanted:
    return Wanted(body.arch, body.family, body.release, body.verify)


async def show_tree(request: web.Request, _body: None) -> object:
    return _told(request, await request.app[SERVICES].trees.get(request.match_info["name"]))


async def remove_tree(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].trees.remove(name)
    return Done(done=f"tree {name} is forgotten; its files stay")


def _told(request: web.Request, tree: Tree) -> ToldTree:
    """A password in a tree's source or mirror is kept for reading it and told to nobody."""
    known = {field.name: getattr(tree, field.name) for field in fields(Tree)}
    known |= {"source": shown(tree.source), "mirrors": tuple(map(shown, tree.mirrors))}
    return ToldTree(**known, archive=shown(request.app[SERVICES].trees.archive(tree.source)))


async def list_images(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].images.list())


async def build_image(request: web.Request, body: NewImage) -> object:
    """`{"line": …}` as the build goes, then `{"image": …}` or `{"error": …, "remedy": …}`."""
    return await send_lines(request, _built(request, body), f"building image {body.name}")


async def _built(request: web.Request, body: NewImage) -> AsyncGenerator[Line]:
    build = request.app[SERVICES].images.build(body.name, tune=body.tune, mirror=body.mirror)
    async with aclosing(build):
        async for item in build:
            yield {"line": item} if isinstance(item, str) else {"image": to_data(item)}


async def remove_image(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].images.remove(name)
    return Done(done=f"image {name} is removed")


_FACTS = ("family", "release", "arch", "kernel", "initrd")
OPERATIONS = (
    Operation("GET", "/trees", "List trees", list_trees, list[ToldTree]),
    Operation("POST", "/trees", "Make a tree known", add_tree, ToldTree, takes=NewTree, status=201),
    Operation(
        "POST",
        "/trees/explain",
        "Tell how a source is recognised",
        explain_tree,
        TreeExplained,
        takes=TreeQuestion,
    ),
    Operation("GET", "/trees/{name}", "Show a tree", show_tree, ToldTree),
    Operation("DELETE", "/trees/{name}", "Forget a tree", remove_tree, Done),
    Operation("GET", "/images", "List images", list_images, list[Image]),
    Operation(
        "POST",
        "/images",
        "Build an image; a JSON object a line",
        build_image,
        None,
        takes=NewImage,
        content=CONTENT,
    ),
    Operation("DELETE", "/images/{name}", "Remove an image and its file", remove_image, Done),
)
