"""Answers that tell something as it goes: a JSON object a line (application/x-ndjson)."""

import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TypeVar

from aiohttp import web

from provisioner.core.errors import ProvisionerError
from provisioner.web.errors import problem

log = logging.getLogger(__name__)

CONTENT = "application/x-ndjson"
T = TypeVar("T")
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


async def each_told(
    making: AsyncGenerator[tuple[str, T | Exception]], tell: Callable[[T], Line], what: str
) -> AsyncGenerator[Line]:
    """A line for each that is made, by its name; `what` is being done to them, for the log."""
    async with aclosing(making):
        async for name, made in making:
            line = failure(made, f"{what} {name}") if isinstance(made, Exception) else tell(made)
            yield {"name": name, **line}


def failure(error: Exception, what: str) -> Line:
    """An error as a line says it; an unexpected one is told to the log alone."""
    if not isinstance(error, ProvisionerError):
        log.error("%s failed", what, exc_info=error)
    found = problem(error)
    return {"error": found.detail, "remedy": found.remedy, "status": found.status}


def _line(value: Line) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
