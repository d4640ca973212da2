"""`POST /guests/verdict`: a guest that somebody is still describing."""

from provisioner.service.requests import CreateGuest
from tests.edges.web.world import World

PATH = "/api/v1/guests/verdict"


async def test_each_field_is_judged_and_the_plan_and_command_come_along(world: World) -> None:
    status, told, _ = await world.ask("POST", PATH, {"names": "web{1..3}", "profile": "p", "memory": 2048})

    assert status == 200
    assert told["names"] == ["web1", "web2", "web3"]
    assert {found["field"] for found in told["verdicts"]} == {"memory", "networks"}
    assert told["plan"]["steps"]
    assert told["command"] == "provisioner guest create 'web{1..3}' --profile p --memory 2048"
    assert world.guests.guests == {}


async def test_what_is_wrong_is_no_error_of_the_request(world: World) -> None:
    await world.guests.create(CreateGuest("web2", "p"))

    for form, words in (
        ({"names": "web{1..3}", "profile": "p"}, "web2 is taken"),
        ({"names": "web{3..1}", "profile": "p"}, "must rise"),
        ({"names": "", "profile": "p"}, "the name is taken"),
    ):
        status, told, _ = await world.ask("POST", PATH, form)
        failed = [found for found in told["verdicts"] if found["severity"] == "fail"]
        assert (status, [found["field"] for found in failed]) == (200, ["name"])
        assert words in failed[0]["sentence"]
    assert told["plan"] is None


async def test_what_no_form_sends_is_refused(world: World) -> None:
    for body in ({"names": 7}, {"name": "web1"}, {"memory": "2048"}):
        assert (await world.ask("POST", PATH, body))[0] == 422
