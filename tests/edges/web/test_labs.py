"""`/lab/plan` and `/lab/apply`: the file is the body, and the answer tells each thing as it is done."""

import json

import pytest

from provisioner.core.network import NetworkSpec
from provisioner.core.profile import Profile
from provisioner.core.storage import PoolSpec
from provisioner.service.lab_asked import CloneAsked, HostAsked, ImageAsked, TreeAsked
from provisioner.service.lab_run import Wish
from provisioner.service.recognition import Wanted
from provisioner.service.requests import CreateGuest
from tests.edges.web.world import World

UNEXPECTED = "something unexpected went wrong in the service"
PLAN, APPLY = "/api/v1/lab/plan", "/api/v1/lab/apply"
ALL = """
lab: shop
hosts: [{name: rack, uri: "qemu+ssh://root@rack/system"}]
networks: [{name: net, subnet: 192.168.90.0/24}]
pools: [{name: fast, path: /srv/fast}]
trees: [{name: c7, source: "http://mirror/7", mirrors: ["http://other/7"]}]
images: [{name: tiny, tune: true}]
profiles: [{name: web, family: rhel, tree: c7}]
guests:
  - {name: base, profile: web, memory: 512, on: rack, disks: ["size=4,pool=default"]}
  - {name: copy, clone: base, start: paused}
"""


async def test_a_plan_tells_each_thing(world: World) -> None:
    status, body, _ = await world.ask("POST", PLAN, data=ALL)

    assert (status, body["lab"], body["waiting"], body["counts"]["add"]) == (200, "shop", True, 8)
    assert [change["kind"] for change in body["changes"]][:2] == ["host", "network"]


async def test_each_item_asks_what_the_requests_of_the_api_ask(world: World) -> None:
    await world.ask("POST", PLAN, data=ALL)

    host, network, pool, tree, image, profile, base, copy = world.labs.asked
    assert host == HostAsked("rack", "qemu+ssh://root@rack/system")
    assert isinstance(network, NetworkSpec) and str(network.subnet) == "192.168.90.0/24"
    assert pool == PoolSpec("fast", path="/srv/fast")
    assert tree == TreeAsked("c7", "http://mirror/7", Wanted(), ["http://other/7"])
    assert image == ImageAsked("tiny", tune=True)
    assert profile == Profile("web", "rhel", "c7")
    assert base == CreateGuest("base", "web", memory=512, disks=("size=4,pool=default",), connect="rack")
    assert copy == CloneAsked("copy", "base", start="paused")


async def test_an_apply_tells_each_thing_as_it_ends(world: World) -> None:
    text = (
        "lab: shop\nguests: [{name: one, profile: p}, {name: taken, profile: p}, {name: broken, profile: p}]"
    )
    status, told, headers = await world.ask("POST", f"{APPLY}?replace=1&at_once=4&prune=1", data=text)
    plan, *ends, last = map(json.loads, told.splitlines())

    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    assert world.labs.wishes == [Wish(prune=True, replace=True, at_once=4)]
    assert plan["plan"]["counts"]["add"] == 3
    assert [(one["name"], one["result"], one["text"], one["remedy"]) for one in ends] == [
        ("one", "done", "made", ""),
        ("taken", "failed", "taken is taken", "choose another name"),
        ("broken", "failed", UNEXPECTED, "its log has the details"),
    ]
    assert last == {"ended": {"done": 1, "failed": 2, "left": 0}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"lab: shop\nguests:\n  - {name: web1, profil: p}\n", "f.yaml:3:18: "),
        (b"lab: [\n", "f.yaml:2:"),
        (b"", "f.yaml:1:1: the file is empty"),
        (b"lab: \xff", "the body is not UTF-8 at byte 5"),
    ],
)
async def test_a_file_that_is_none_is_refused_with_its_lines(world: World, text: bytes, said: str) -> None:
    for path in (PLAN, APPLY):
        status, body, _ = await world.ask("POST", f"{path}?source=f.yaml", data=text)
        assert status in (400, 422)
        assert body["detail"].startswith(said)
    assert world.labs.asked == []


async def test_a_parameter_that_is_not_known_is_refused(world: World) -> None:
    assert (await world.ask("POST", f"{PLAN}?replace=1", data=ALL))[0] == 422
    assert (await world.ask("POST", f"{APPLY}?at_once=1000", data=ALL))[0] == 422
