"""`/networks` over HTTP: made, shown, checked, repaired, removed; and every wrong call one sentence."""

from typing import Any

import pytest

from provisioner.core.segment import Answer
from provisioner.web import api_networks
from tests.edges.web.world import World

ROOT = "/api/v1"
LAB = {"name": "lab", "subnet": "192.168.90.0/24", "dhcp_range": "192.168.90.50,192.168.90.99"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to follow a repair here."""
    monkeypatch.setattr(api_networks, "_FOLLOW_SECONDS", 0.0)


async def test_a_network_from_its_plan_to_its_end(world: World) -> None:
    status, plan, _ = await world.ask("POST", f"{ROOT}/networks?dry_run=1", LAB)
    assert status == 200 and '<range start="192.168.90.50" end="192.168.90.99"/>' in plan["xml"]

    status, made, _ = await world.ask("POST", f"{ROOT}/networks", LAB)
    assert (status, made["name"], made["ours"]) == (201, "lab", True)
    status, shown, _ = await world.ask("GET", f"{ROOT}/networks/default")
    assert (status, shown["leases"]) == (200, ["52:54:00:00:00:01 192.168.122.9 web1"])
    assert [n["name"] for n in (await world.ask("GET", f"{ROOT}/networks"))[1]] == ["default", "lab"]
    for method, path, body in (
        ("POST", "lab/start", None),
        ("POST", "lab/stop?force=1", None),
        ("PUT", "lab/autostart", {"on": True}),
    ):
        assert (await world.ask(method, f"{ROOT}/networks/{path}", body))[0] == 200
    assert world.network_host.calls == ["start lab", "stop lab True", "autostart lab True"]
    assert (await world.ask("GET", f"{ROOT}/networks/lab/xml"))[1]["xml"] == plan["xml"]
    assert (await world.ask("DELETE", f"{ROOT}/networks/lab"))[0] == 200
    assert (await world.ask("DELETE", f"{ROOT}/networks/default?foreign=1"))[0] == 200
    assert (await world.ask("GET", f"{ROOT}/networks"))[1] == []


async def test_a_check_repaired_and_taken_back(world: World) -> None:
    world.segments.answers = [Answer("192.168.122.1", "192.168.122.7")]
    status, found, _ = await world.ask("GET", f"{ROOT}/networks/default/check")
    assert (status, found["good"], found["verdicts"][0]["repairs"][0]) == (200, False, "proxy")

    world.segments.answers.append(Answer("192.168.122.1", "", "snponly.efi", "192.168.122.1"))
    status, found, _ = await world.ask("POST", f"{ROOT}/networks/default/repair", {"kind": "proxy"})
    assert (status, found["good"], found["done"]) == (200, True, ["proxy on virbr0"])
    (row,) = (await world.ask("GET", f"{ROOT}/repairs"))[1]
    assert (row["kind"], row["interface"]) == ("proxy", "virbr0")
    _, text, _ = await world.ask("GET", f"{ROOT}/snippets/kea?network=default")
    assert "http://192.168.122.1:8080/boot/ipxe" in text["text"]

    status, done, _ = await world.ask("DELETE", f"{ROOT}/networks/default/repair?kind=proxy")
    assert (status, done["done"]) == (200, "taken back: proxy on virbr0")
    assert (await world.ask("GET", f"{ROOT}/repairs"))[1] == []


async def test_without_a_kind_the_first_repair_of_each_verdict_is_made(world: World) -> None:
    word = "type=direct,source=eth0"
    wish = {"address": "10.0.0.5/24"}
    status, found, _ = await world.ask("POST", f"{ROOT}/networks/{word}/repair", wish)
    assert (status, found["remedy"]) == (422, "say it: --range FIRST,LAST")
    assert await world.store.repairs() == []
    wish["range"] = "10.0.0.50,10.0.0.59"
    status, found, _ = await world.ask("POST", f"{ROOT}/networks/{word}/repair", wish)
    assert found["done"] == ["macvlan on pv-eth0", "addresses on pv-eth0"]

    ours = Answer("10.0.0.5", "", "snponly.efi", "10.0.0.5")
    world.segments.answers = [Answer("10.0.0.5", "10.0.0.50"), ours]
    status, found, _ = await world.ask("GET", f"{ROOT}/networks/{word}/check")
    assert (status, found["good"], found["place"]) == (200, True, word)
    status, found, _ = await world.ask("POST", f"{ROOT}/networks/{word}/repair", {})
    assert (status, found["done"]) == (200, [])


async def test_a_quick_check_asks_nobody(world: World) -> None:
    await world.ask("GET", f"{ROOT}/networks/default/check?quick=1")

    assert world.segments.asked == 0


# method, path, body, status, what the sentence holds
WRONG: dict[str, tuple[str, str, Any, int, str]] = {
    "a mode that is none": ("POST", "networks", LAB | {"mode": "vlan"}, 422, "mode must be one of"),
    "a field that is none": ("POST", "networks", LAB | {"vlan": 7}, 422, "vlan is not a field"),
    "no subnet": ("POST", "networks", {"name": "lab"}, 422, "needs the guests' subnet"),
    "a subnet that is none": ("POST", "networks", LAB | {"subnet": "x"}, 422, "subnet 'x'"),
    "a subnet that is taken": ("POST", "networks", {"name": "lab", "subnet": "10.0.0.0/24"}, 409, "overlaps"),
    "a name that is taken": ("POST", "networks", LAB | {"name": "default"}, 409, "exists already"),
    "a name with a quote": ("POST", "networks", LAB | {"name": "a'b]]>"}, 422, "is not usable"),
    "a network that is not there": ("GET", "networks/nobody", None, 404, "no libvirt network 'nobody'"),
    "one that is not ours": ("DELETE", "networks/default", None, 409, "is not ours"),
    "a place that is not there": ("GET", "networks/bridge=nobody/check", None, 404, "no bridge 'nobody'"),
    "a place not understood": ("GET", "networks/bus=7/check", None, 422, "bus=7"),
    "a repair that is none": ("POST", "networks/default/repair", {"kind": "magic"}, 422, "kind must be"),
    "an undo that is none": ("DELETE", "networks/default/repair?kind=magic", None, 422, "'magic' is not"),
    "an undo of nothing": ("DELETE", "networks/default/repair", None, 404, "no repair of ours on default"),
    "a query that is none": ("GET", "networks?all=1", None, 422, "'all' is not known"),
    "a server that is none": ("GET", "snippets/windows", None, 422, "use dnsmasq, isc, kea"),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "sentence"), WRONG.values(), ids=WRONG)
async def test_a_wrong_call_is_one_sentence(
    world: World, method: str, path: str, body: Any, status: int, sentence: str
) -> None:
    code, problem, _ = await world.ask(method, f"{ROOT}/{path}", body)

    assert (code, sentence in problem["detail"]) == (status, True), problem
    assert list(world.network_host.there) == ["default"]
    assert await world.store.repairs() == []
