"""Answers that tell something as it goes: a JSON object a line (application/x-ndjson)."""

import json
import logging
from collections.abc import AsyncGenerator, Mapping

from aiohttp import web

from provisioner.core.errors import ProvisionerError
from provisioner.web.errors import problem

log = logging.getLogger(__name__)

CONTENT = "application/x-ndjson"
Line = Mapping[str, object]
"""Plain JSON values."""


async def send_lines(request: web.Request, lines: AsyncGenerator[Line], what: str) -> web.StreamResponse:
    """What `lines` gives, as it comes; `what` is being done, for the log.

    What fails before the first line is an ordinary problem, later the last line. Who leaves ends it.
    """
    try:
        first = await anext(lines, None)
        response = web.StreamResponse(headers={"Content-Type": CONTENT, "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            if first is not None:
                await response.write(_line(first))
                async for item in lines:
                    await response.write(_line(item))
        except ConnectionError:
            raise
        except Exception as error:
            await response.write(_line(failure(error, what)))
    finally:
        await lines.aclose()
    await response.write_eof()
    return response


def failure(error: Exception, what: str) -> Line:
    """An error as a line says it; an unexpected one is told to the log alone."""
    if not isinstance(error, ProvisionerError):
        log.error("%s failed", what, exc_info=error)
    found = problem(error)
    return {"error": found.detail, "remedy": found.remedy, "status": found.status}


def _line(value: Line) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
