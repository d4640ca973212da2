"""`/machines`: what netboots and was not created here. A machine is named by its name or MAC address."""

import re

from aiohttp import web

from provisioner.core.errors import Invalid
from provisioner.core.machine import Machine
from provisioner.service.bootmedia import FORMS
from provisioner.web.keys import SERVICES
from provisioner.web.operation import Operation
from provisioner.web.outlooks import InstallOut, told_one
from provisioner.web.schemas import Done, MachineInstall, MachineOut, NewMachine


async def list_all(request: web.Request, _body: None) -> object:
    return list(await request.app[SERVICES].machines.list())


async def add(request: web.Request, body: NewMachine) -> object:
    machines = request.app[SERVICES].machines
    return await machines.add(body.name, body.mac, body.uuid, body.profile, body.loader)


async def show(request: web.Request, _body: None) -> object:
    services = request.app[SERVICES]
    machine, install = await services.machines.show(request.match_info["name"])
    return MachineOut(machine=machine, install=await told_one(services, install) if install else None)


async def install(request: web.Request, body: MachineInstall) -> object:
    machine, begun = await request.app[SERVICES].machines.install(
        request.match_info["name"], body.profile, body.name or "", body.loader
    )
    return MachineOut(machine=machine, install=InstallOut.of(begun))


async def medium(request: web.Request, _body: None) -> object:
    asked = request.query.get("format", "iso")
    form = next((form for form in FORMS if form == asked), None)
    if form is None:
        raise Invalid(f"format={asked[:40]!r} is not known; {' and '.join(FORMS)} are")
    address = request.query.get("address", "")
    if address and not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", address):
        raise Invalid(f"{address[:80]!r} is no address of this service")
    content = await request.app[SERVICES].boot_media.build(request.match_info["name"], form, address)
    return web.Response(
        body=content, content_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


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
    Operation(
        "GET",
        "/machines/{name}/medium",
        "A boot medium for it, by BIOS and UEFI: iPXE with a script that leads here",
        medium,
        None,
        query={"format": "iso or img", "address": "ours, by which the machine reaches us"},
        content="application/octet-stream",
    ),
    Operation("DELETE", "/machines/{name}", "Forget a machine", remove, Done),
)
