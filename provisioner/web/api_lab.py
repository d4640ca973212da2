"""`/lab`: a file of things planned and applied as a whole."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from provisioner.core.errors import ProvisionerError
from provisioner.core.lab import Lab
from provisioner.lab.document import read
from provisioner.service.lab_plan import LabPlan
from provisioner.service.lab_run import MOST_AT_ONCE, Done, Wish
from provisioner.web.body import read as read_bytes
from provisioner.web.errors import Malformed
from provisioner.web.keys import SERVICES
from provisioner.web.lab_asked import asked
from provisioner.web.lines import CONTENT, Line, send_lines
from provisioner.web.operation import FLAG, Operation, flag, number
from provisioner.web.schemas import to_data
from provisioner.web.schemas_lab import LabPlanOut, line

_log = logging.getLogger(__name__)
_BYTES = 8 * 1024 * 1024
_YAML = "application/yaml"


async def plan(request: web.Request, _body: None) -> object:
    lab, prune = await _lab(request), flag(request, "prune")
    return LabPlanOut.of(await request.app[SERVICES].labs.plan(lab, asked, prune=prune))


async def apply(request: web.Request, _body: None) -> object:
    """`{"plan": …}`, a line for each change as it is done, and at the end how many ended how."""
    lab = await _lab(request)
    wish = Wish(
        prune=flag(request, "prune"),
        replace=flag(request, "replace"),
        at_once=number(request, "at_once", 0, MOST_AT_ONCE),
    )
    lines = _told(request.app[SERVICES].labs.apply(lab, asked, wish))
    return await send_lines(request, lines, f"applying lab {lab.name}")


async def _told(applying: AsyncGenerator[LabPlan | Done]) -> AsyncGenerator[Line]:
    ends: Counter[str] = Counter()
    async with aclosing(applying):
        async for item in applying:
            if isinstance(item, LabPlan):
                yield {"plan": to_data(LabPlanOut.of(item))}
                continue
            if item.error is not None and not isinstance(item.error, ProvisionerError):
                _log.error("%s of %s failed", item.change.action, item.change.ref, exc_info=item.error)
            ends[item.result] += 1
            yield line(item)
    yield {"ended": {name: ends[name] for name in ("done", "failed", "left")}}


async def _lab(request: web.Request) -> Lab:
    """The file that is the body. Raises Invalid with each of its problems."""
    raw = await read_bytes(request, _BYTES)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 at byte {error.start}") from None
    return await asyncio.to_thread(read, text, request.query.get("source") or "lab.yaml")


_QUERY = {"source": "the file's name, for sentences about it", "prune": f"{FLAG}: also what is to go"}
OPERATIONS = (
    Operation(
        "POST",
        "/lab/plan",
        "Tell what applying a lab's file would do; the body is the file, YAML or JSON",
        plan,
        LabPlanOut,
        query=_QUERY,
        text=_YAML,
    ),
    Operation(
        "POST",
        "/lab/apply",
        "Make what a lab's file asks for; a JSON object a line",
        apply,
        None,
        query={
            **_QUERY,
            "replace": f"{FLAG}: make anew what cannot be changed in place; its disks are lost",
            "at_once": "let so many guests install at a time",
        },
        content=CONTENT,
        text=_YAML,
    ),
)
