"""The two applications: one for guests, one for people. Neither knows the other's paths.

Each is built from the use cases alone and served by a `Listener`; what needs a beginning and an end has a
cleanup context.
"""

from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web

from provisioner.web import (
    answers,
    api,
    assets,
    auth,
    board,
    boot,
    dashboard,
    events,
    guest_form,
    guest_pages,
    health,
    hosts,
    install_page,
    machine_pages,
    mirror_pages,
    profile_pages,
    report,
    routes,
    source_pages,
    trees,
)
from provisioner.web.body import JSON_BYTES
from provisioner.web.errors import as_problems
from provisioner.web.gate import Gate
from provisioner.web.headers import plain, strict
from provisioner.web.hot import Hot
from provisioner.web.keys import BOARD, CHANNELS, GATE, HOT, LEDGER, SERVICES, TAILER, TREES
from provisioner.web.ledger import Ledger
from provisioner.web.listener import own_paths_only
from provisioner.web.open_channels import OpenChannels
from provisioner.web.outlooks import told
from provisioner.web.recent import Recent
from provisioner.web.services import Services
from provisioner.web.tailer import Tailer


def guest_app(services: Services) -> web.Application:
    """`/boot /answer /tree /report`, plain HTTP as firmware speaks it."""
    app = web.Application(middlewares=[as_problems, own_paths_only], client_max_size=JSON_BYTES)
    app[SERVICES] = services
    app[LEDGER] = Ledger(services.store, services.clock, services.neighbour)
    app[TREES] = Recent(partial(trees.named, services))
    app[HOT] = Hot(services.files, app[TREES], app[LEDGER])
    app.on_response_prepare.append(plain)
    app.on_cleanup.append(_noted)
    for table in (health.ROUTES, boot.ROUTES, answers.ROUTES, trees.ROUTES, report.ROUTES):
        routes.add(app, table)
    return app


def people_app(services: Services, token: str) -> web.Application:
    """`/api /events /` and the login door; everything else needs `token` or a session made by it."""
    app = web.Application(
        middlewares=[assets.packed, as_problems, own_paths_only, auth.authorise], client_max_size=JSON_BYTES
    )
    app[SERVICES] = services
    app[GATE] = Gate(token, services.clock)
    app[BOARD] = Recent(partial(board.look, services))
    app[TAILER] = Tailer(services.store, tell=partial(told, services))
    app[CHANNELS] = OpenChannels()
    app.on_response_prepare.append(strict)
    app.cleanup_ctx.append(_tailing)
    app.on_shutdown.append(_end_streams)
    for table in (
        health.ROUTES,
        auth.ROUTES,
        assets.ROUTES,
        dashboard.ROUTES,
        install_page.ROUTES,
        hosts.ROUTES,
        guest_form.ROUTES,
        guest_pages.ROUTES,
        machine_pages.ROUTES,
        mirror_pages.ROUTES,
        profile_pages.ROUTES,
        source_pages.ROUTES,
        events.ROUTES,
        api.ROUTES,
    ):
        routes.add(app, table)
    return app


async def _noted(app: web.Application) -> None:
    """What was counted last is recorded."""
    await app[LEDGER].flush()


async def _tailing(app: web.Application) -> AsyncIterator[None]:
    await app[TAILER].start()
    yield
    await app[TAILER].stop()


async def _end_streams(app: web.Application) -> None:
    """Live streams end before the sockets are closed under them."""
    await app[TAILER].stop()
    await app[CHANNELS].close()
