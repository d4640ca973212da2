"""What is told of the time of installs, over HTTP and in the live stream."""

from datetime import timedelta

from provisioner.core.install import Event, Install, Kind, Stage
from tests.edges.web.test_events import stream
from tests.edges.web.world import World, now
from tests.unit.pace.runs import GOOD, WAY


async def _ran(world: World, name: str, hours: int, until: Kind = Kind.REBOOTED) -> Install:
    begun = now() - timedelta(hours=hours)
    mac = f"52:54:00:00:00:{hours:02x}"
    install = Install(name, f"web-{name}", mac, "u", "p", Stage.PLANNED, begun, begun)
    await world.store.add_install(install, None)
    for at, kind in GOOD:
        data = WAY if kind is Kind.PLANNED else {}
        await world.store.record([Event(kind, begun + timedelta(seconds=at), "test", "", name, data=data)])
        if kind is until:
            break
    return install


async def test_an_install_is_told_with_what_is_left_of_it(world: World) -> None:
    for number in range(1, 4):
        await _ran(world, f"old{number}", number)
    await world.services.paces.tick()
    await _ran(world, "new", 0, Kind.ANSWER_SERVED)

    _, found, _ = await world.ask("GET", "/api/v1/installs/web-new")
    _, running, _ = await world.ask("GET", "/api/v1/installs?active=1")
    _, listed, _ = await world.ask("GET", "/api/v1/installs")

    assert (found["percent"], found["left_seconds"], found["expected_seconds"]) == (20, 160, 200)
    assert [one["id"] for one in running] == ["new"]
    assert running[0]["left_least"] <= 160 <= running[0]["left_most"]
    assert {one["id"]: one["left_seconds"] for one in listed}["old1"] is None


async def test_the_live_stream_tells_it_too(world: World) -> None:
    await _ran(world, "old", 1)
    await world.services.paces.tick()
    await _ran(world, "new", 0, Kind.ANSWER_SERVED)

    async with stream(world, "?after=0&install=new") as reader:
        while (frame := await reader.next()) and frame.name != "install":
            pass
        assert frame is not None
        assert frame.data["left_seconds"] == 160
        await world.event(Kind.SUCCEEDED, "new")
        while (frame := await reader.next()) and frame.name != "install":
            pass
        assert frame is not None
        assert (frame.data["stage"], frame.data["percent"]) == ("finishing", 95)


async def test_a_budget_and_a_pace(world: World) -> None:
    for number in range(1, 4):
        await _ran(world, f"old{number}", number)
    await world.services.paces.tick()
    await _ran(world, "new", 0)

    _, budget, _ = await world.ask("GET", "/api/v1/installs/web-new/budget")
    _, paces, _ = await world.ask("GET", "/api/v1/profiles/p/pace")
    status, problem, _ = await world.ask("GET", "/api/v1/profiles/nobody/pace")

    assert (budget["took"], budget["expected"], budget["compared"], budget["slower"]) == (200, 200, 3, "")
    assert {row["stage"]: row["took"] for row in budget["stages"]} == {
        "creating": 2, "booting": 6, "loading": 32, "installing": 150, "finishing": 10,
    }  # fmt: skip
    assert [(one["method"], one["by"], one["takes"]["median"]) for one in paces] == [("pxe", "kvm", 200)]
    assert (status, problem["status"]) == (404, 404)


async def test_events_are_listed_from_either_end(world: World) -> None:
    await _ran(world, "old", 1)

    async def ids(query: str) -> list[int]:
        _, found, _ = await world.ask("GET", f"/api/v1/events?{query}")
        return [event["id"] for event in found]

    assert await ids("latest=2") == [len(GOOD) - 1, len(GOOD)]
    assert await ids("after=3&limit=2") == [4, 5]
    assert await ids("install=web-old&latest=1") == [len(GOOD)]
    assert await ids("after=100") == []
