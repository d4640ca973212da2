"""`/installs/{ref}/budget` and `/profiles/{name}/pace`: how long installs take, stage by stage."""

from aiohttp import web

from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas_pace import BudgetOut, PaceOut


async def budget(request: web.Request, _body: None) -> object:
    return BudgetOut.of(await request.app[SERVICES].paces.compare(request.match_info["ref"]))


async def pace(request: web.Request, _body: None) -> object:
    services, name = request.app[SERVICES], request.match_info["name"]
    await services.profiles.get(name)
    return [PaceOut.of(one) for one in await services.paces.of_profile(name)]


OPERATIONS = (
    Operation(
        "GET", "/installs/{ref}/budget", "What its time went into, beside earlier ones", budget, BudgetOut
    ),
    Operation(
        "GET",
        "/profiles/{name}/pace",
        "What its installs take, for each way in which they were made",
        pace,
        list[PaceOut],
    ),
)
