"""`/machines`: what netboots and was not created here."""

from aiohttp import web

from provisioner.core.machine import Machine
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, NewMachine


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].machines.list())


async def add(request: web.Request, body: NewMachine) -> object:
    return await request.app[SERVICES].machines.add(body.name, body.mac, body.uuid, body.profile)


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].machines.remove(name)
    return Done(done=f"machine {name} is forgotten")


OPERATIONS = (
    Operation("GET", "/machines", "List machines", list_all, list[Machine]),
    Operation("POST", "/machines", "Make a machine known", add, Machine, takes=NewMachine, status=201),
    Operation("DELETE", "/machines/{name}", "Forget a machine", remove, Done),
)
