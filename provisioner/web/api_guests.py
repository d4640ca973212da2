"""`/guests`: what is asked of guests of ours; foreign domains are listed at most."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from provisioner.core.errors import Invalid
from provisioner.core.names import expand
from provisioner.web.keys import SERVICES
from provisioner.web.lines import CONTENT, each_told, send_lines
from provisioner.web.operation import FLAG, Operation, Reply, flag
from provisioner.web.outlooks import told_guests
from provisioner.web.schemas import Created, Done, GuestOut, Planned, PlanOut, Switch, XmlOut, to_data
from provisioner.web.schemas_guest import FieldOut, GuestForm, GuestVerdict, NewGuest, NewGuests
from provisioner.web.services import Services
from provisioner.web.spelled import spelled


async def list_all(request: web.Request, _body: None) -> object:
    found = await request.app[SERVICES].guests.list(all=flag(request, "all"))
    if flag(request, "addresses"):
        found = await request.app[SERVICES].life.addressed(found)
    return [GuestOut.of(guest) for guest in await told_guests(request.app[SERVICES], found)]


async def create(request: web.Request, body: NewGuest) -> object:
    guests = request.app[SERVICES].guests
    wanted = body.request()
    if flag(request, "dry_run"):
        return Reply(Planned(plan=PlanOut.of(await guests.dry_run(wanted))), 200)
    return Created.of(await guests.create(wanted))


async def create_each(request: web.Request, body: NewGuests) -> object:
    """A line for each as it is done: `{"name": …, "created": …}`, or `"error"`, `"remedy"` and `"status"`."""
    making = request.app[SERVICES].guests.create_each(body.requests(), at_once=body.at_once)
    told = each_told(making, lambda made: {"created": to_data(Created.of(made))}, "creating guest")
    return await send_lines(request, told, "creating guests")


async def verdict(request: web.Request, body: GuestForm) -> object:
    """Nothing of it is an error of the request: what is wrong is what is asked for."""
    names, wrong = [body.names], ""
    try:
        names = expand(body.names)
    except Invalid as error:
        wrong = str(error)
    judged = await request.app[SERVICES].verdicts.judge(body.wanted(names[:1])[0], names)
    found = [FieldOut.of(one) for one in judged.verdicts if not (wrong and one.field == "name")]
    if wrong:
        found.insert(0, FieldOut(field="name", severity="fail", sentence=wrong, remedy=""))
    return GuestVerdict(
        names=names,
        verdicts=found,
        plan=PlanOut.of(judged.plan) if judged.plan else None,
        command=spelled(body.names, body),
    )


async def show(request: web.Request, _body: None) -> object:
    services = request.app[SERVICES]
    guest = await services.guests.show(request.match_info["name"])
    return GuestOut.of((await told_guests(services, [guest]))[0])


async def delete(request: web.Request, _body: None) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].life.delete(name)
    return Done(done=f"guest {name} and its disk are removed")


async def autostart(request: web.Request, body: Switch) -> object:
    name = request.match_info["name"]
    await request.app[SERVICES].guests.autostart(name, body.on)
    return Done(done=f"guest {name} {'starts' if body.on else 'no longer starts'} with its host")


async def xml(request: web.Request, _body: None) -> object:
    return XmlOut(xml=await request.app[SERVICES].guests.xml(request.match_info["name"]))


def switch(verb: str, summary: str, done: str, act: Callable[[Services, str], Awaitable[None]]) -> Operation:
    """A guest told one thing, by a verb that takes nothing else."""

    async def call(request: web.Request, _body: None) -> object:
        name = request.match_info["name"]
        await act(request.app[SERVICES], name)
        return Done(done=f"guest {name} {done}")

    return Operation("POST", f"/guests/{{name}}/{verb}", summary, call, Done)


OPERATIONS = (
    Operation(
        "GET",
        "/guests",
        "List guests",
        list_all,
        list[GuestOut],
        query={
            "all": f"{FLAG}: also domains that were not created here",
            "addresses": f"{FLAG}: also where each is reached, and its host",
        },
    ),
    Operation(
        "POST",
        "/guests",
        "Create a guest and install it",
        create,
        Created,
        takes=NewGuest,
        query={"dry_run": f"{FLAG}: only plan it, change nothing"},
        status=201,
        gives_too={200: Planned},
    ),
    Operation(
        "POST",
        "/guests/batch",
        "Create several guests; a JSON object a line",
        create_each,
        None,
        takes=NewGuests,
        content=CONTENT,
    ),
    Operation(
        "POST",
        "/guests/verdict",
        "Say of each field what stands against it, or what it was found to be; change nothing",
        verdict,
        GuestVerdict,
        takes=GuestForm,
    ),
    Operation("GET", "/guests/{name}", "Show a guest with its address", show, GuestOut),
    Operation("DELETE", "/guests/{name}", "Remove a guest and its disk", delete, Done),
    switch("start", "Power a guest on", "is started", lambda to, name: to.guests.start(name)),
    switch(
        "shutdown", "Ask its system to power off", "was asked to", lambda to, name: to.guests.shutdown(name)
    ),
    switch(
        "reboot", "Ask its system to reboot", "was asked to reboot", lambda to, name: to.guests.reboot(name)
    ),
    switch("destroy", "Cut its power", "is powered off", lambda to, name: to.guests.destroy(name)),
    Operation(
        "PUT", "/guests/{name}/autostart", "Start it with its host, or not", autostart, Done, takes=Switch
    ),
    Operation("GET", "/guests/{name}/xml", "Its domain XML as libvirt has it, secrets as ***", xml, XmlOut),
)
