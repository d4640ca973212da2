"""`/answer/{token}/{file}`: the one response of this project that holds secrets.

It is "served" when the whole body of an authorised GET was taken by the client; that is recorded before the
connection does anything else, for from then on the machine boots its disk. A HEAD, a broken transfer, or a
file that belongs beside the answer file changes nothing. Every refusal looks alike: 404, an event, and not
one byte of an answer file.
"""

import asyncio
import logging

from aiohttp import web

from provisioner.core import urls
from provisioner.core.errors import Denied, NotFound, ProvisionerError, Unavailable
from provisioner.core.install import Install, Kind
from provisioner.web.delivery import Delivery
from provisioner.web.keys import LEDGER, SERVICES
from provisioner.web.ledger import Ledger
from provisioner.web.place import peer, root, shared
from provisioner.web.routes import Route

log = logging.getLogger(__name__)
_ATTEMPTS = 600
_BESIDE = frozenset().union(*urls.BESIDE.values())
_HEADERS = {"Cache-Control": "no-store", "Content-Type": "text/plain; charset=utf-8"}


async def serve(request: web.Request) -> web.StreamResponse:
    """The answer file of the install whose token the path carries."""
    services, ledger = request.app[SERVICES], request.app[LEDGER]
    address, file = peer(request), request.match_info["file"]
    install: Install | None = None
    try:
        install = await services.unlock(request.match_info["token"], address)
        answer = await services.answers.for_install(install, root(request), file)
    except (Denied, NotFound) as error:
        await _refused(request, install, str(error))
        raise web.HTTPNotFound from None
    except ProvisionerError as error:
        await ledger.tell(Kind.ANSWER_REFUSED, install, f"no answer file could be made: {error}")
        raise
    body = answer.text.encode()
    response = web.StreamResponse(headers=_HEADERS)
    response.content_length = len(body)
    if request.method == "HEAD":
        await response.prepare(request)
        await response.write_eof()
        return response
    if not install.address:
        await services.store.bind(install.id, address)
    ledger.claim(address, install)
    with Delivery(request.transport) as delivery:
        await response.prepare(request)
        await response.write(body)
        await response.write_eof()
        whole = await delivery.complete()
    if whole and file not in _BESIDE:
        data = {"file": file, "bytes": len(body), "address": address}
        if answer.unchecked:
            data["unchecked"] = answer.unchecked
        await asyncio.shield(asyncio.create_task(_served(ledger, install, data)))
        await services.differences.keep(install, file, root(request), answer.shown)
    elif not whole:
        log.warning("install %s: %s broke off while %s was sent", install.id, address, file)
    return response


async def _served(ledger: Ledger, install: Install, data: dict[str, object]) -> None:
    """Records it; a store that is away is waited for, since forgetting would install the machine again."""
    text = f"{data['file']} to {data['address']}"
    if "unchecked" in data:
        text += f", which did not pass its check (--no-lint): {data['unchecked']}"
    for attempt in range(_ATTEMPTS):
        try:
            await ledger.note(Kind.ANSWER_SERVED, install, text, data)
            return
        except Unavailable as error:
            if attempt == 0:
                log.error("install %s: its answer file was served, but: %s", install.id, error)
            await asyncio.sleep(1)


async def no_token(request: web.Request) -> web.StreamResponse:
    """An address without a token."""
    await _refused(request, None, "no token")
    raise web.HTTPNotFound


async def _refused(request: web.Request, install: Install | None, reason: str) -> None:
    """The event of a refusal names who asked and why not; never the token. A flood of them is cut.

    Where the token led to no install, the one that runs behind the address is told of it.
    """
    address, ledger = peer(request), request.app[LEDGER]
    if ledger.may_complain(address):
        text = f"asked by {address}: {reason}"
        asked = install or await ledger.owner(address, shared=shared(request))
        await ledger.tell(Kind.ANSWER_REFUSED, asked, text, {"address": address})


ROUTES = (
    Route("GET", "/answer/{token}/{file}", serve, "token"),
    Route("GET", "/answer/{rest:.*}", no_token, "token"),
)
