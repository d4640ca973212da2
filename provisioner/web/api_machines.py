"""`/machines`: what netboots and was not created here. A machine is named by its name or MAC address."""

from aiohttp import web

from provisioner.core.machine import Machine
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.schemas import Done, MachineInstall, MachineOut, NewMachine


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].machines.list())


async def add(request: web.Request, body: NewMachine) -> object:
    machines = request.app[SERVICES].machines
    return await machines.add(body.name, body.mac, body.uuid, body.profile, body.loader)


async def show(request: web.Request, _body: None) -> object:
    machine, install = await request.app[SERVICES].machines.show(request.match_info["name"])
    return MachineOut(machine=machine, install=install)


async def install(request: web.Request, body: MachineInstall) -> object:
    machine, begun = await request.app[SERVICES].machines.install(
        request.match_info["name"], body.profile, body.name or "", body.loader
    )
    return MachineOut(machine=machine, install=begun)


async def remove(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].machines.remove(name)
    return Done(done=f"machine {name} is forgotten")


OPERATIONS = (
    Operation("GET", "/machines", "List machines", list_all, list[Machine]),
    Operation("POST", "/machines", "Make a machine known", add, Machine, takes=NewMachine, status=201),
    Operation("GET", "/machines/{name}", "Show a machine and its latest install", show, MachineOut),
    Operation(
        "POST",
        "/machines/{name}/install",
        "Let a machine install a profile the next time that it netboots, once",
        install,
        MachineOut,
        takes=MachineInstall,
        status=201,
    ),
    Operation("DELETE", "/machines/{name}", "Forget a machine", remove, Done),
)
