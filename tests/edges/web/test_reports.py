"""Reports: with the install's token, by POST or GET, small, and without control characters."""

import asyncio

import pytest

from provisioner.core.install import Kind, Stage
from tests.edges.web.world import World


async def test_the_reports_of_a_good_run(world: World) -> None:
    install = await world.install()
    await world.event(Kind.ANSWER_SERVED, install.id)
    path = f"/report/{world.token(install, 'report')}"

    sent = [
        await world.get(f"{path}/progress?percent=55", method="POST", data="unpacking"),
        await world.get(f"{path}/progress?text=half+done"),
        await world.get(f"{path}/success", method="POST"),
        await world.get(f"{path}/first-boot", method="POST", data="up"),
    ]

    assert [status for status, _, _ in sent] == [204] * 4
    events = await world.store.events(install=install.id)
    assert [(event.kind, event.text) for event in events[-4:]] == [
        (Kind.PROGRESS, "unpacking"),
        (Kind.PROGRESS, "half done"),
        (Kind.SUCCEEDED, "success"),
        (Kind.FIRST_BOOT, "up"),
    ]
    assert events[-1].data == {"address": "127.0.0.1"}
    assert (await world.store.install(install.id)).stage is Stage.INSTALLED


async def test_what_is_reported_after_the_end_is_written_down_and_not_obeyed(world: World) -> None:
    install = await world.install()
    await world.event(Kind.ANSWER_SERVED, install.id)
    await world.event(Kind.SUCCEEDED, install.id)
    await world.event(Kind.REBOOTED, install.id)
    path = f"/report/{world.token(install, 'report')}"

    for name in ("first-boot", "failure", "failure", "progress", "first-boot"):
        assert (await world.get(f"{path}/{name}", method="POST", data="said"))[0] == 204

    told = [(event.kind, event.text) for event in await world.store.events(install=install.id)][-3:]
    assert told == [
        (Kind.FIRST_BOOT, "said"),
        (Kind.LATE, "reported failure after the install had ended: said"),
        (Kind.LATE, "reported progress after the install had ended: said"),
    ]
    assert (await world.store.install(install.id)).stage is Stage.INSTALLED


async def test_a_report_that_is_sent_again_is_the_same(world: World) -> None:
    install = await world.install()
    await world.event(Kind.ANSWER_SERVED, install.id)
    path = f"/report/{world.token(install, 'report')}"

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(world.get(f"{path}/success", method="POST", data="installed"))

    kinds = await world.kinds(install.id)
    assert kinds.count(Kind.SUCCEEDED) == 1


async def test_a_success_that_was_not_obeyed_may_come_again(world: World) -> None:
    """One that comes before it is written down that the answer file was served."""
    install = await world.install()
    path = f"/report/{world.token(install, 'report')}/success"
    await world.get(path, method="POST", data="installed")
    assert (await world.store.install(install.id)).stage is not Stage.FINISHING

    await world.event(Kind.ANSWER_SERVED, install.id)
    await world.get(path, method="POST", data="installed")

    assert (await world.store.install(install.id)).stage is Stage.FINISHING


async def test_a_long_log_is_kept_by_its_end_without_secrets(world: World) -> None:
    install = await world.install()
    token = world.token(install, "report")
    log = "x" * 900_000 + f"\npw S3CRET $6$abc$def http://h/answer/{token}/ks.cfg\nno disk\n"

    path = f"/report/{token}/failure"
    assert (await world.get(path, method="POST", data=log))[0] == 204

    kept = await world.evidence.read(install.id, "log")
    assert len(kept) <= 256 * 1024
    assert kept.decode().splitlines()[-2:] == ["pw *** *** http://h/answer/***/ks.cfg", "no disk"]
    status, text, headers = await world.ask("GET", f"/api/v1/installs/{install.guest}/log")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert text.endswith("no disk\n")
    event = (await world.store.events(install=install.id))[-1]
    assert event.data["log"] == len(kept)
    assert len(str(event.data["text"])) <= 4096
    assert world.ended == [install.id]


async def test_without_a_report_the_log_is_what_syslog_told(world: World) -> None:
    install = await world.install()
    path = f"/api/v1/installs/{install.id}"
    status, problem, _ = await world.ask("GET", f"{path}/log")
    assert (status, problem["detail"]) == (404, f"of install {install.id} of {install.guest} no log is kept")

    await world.event(Kind.LOG, install.id, "anaconda: something")

    assert (await world.ask("GET", f"{path}/log"))[1].endswith(" anaconda: something\n")


async def test_screen_and_serial_line_of_an_install(world: World) -> None:
    install = await world.install()
    path = f"/api/v1/installs/{install.id}"
    for name in ("screen.png", "log"):
        assert (await world.ask("GET", f"{path}/{name}"))[0] == 404
    await world.evidence.keep(install.id, "screen", b"\x89PNG")
    await world.evidence.keep(install.id, "serial", b"\x1b[1mone\r\n\x07two")

    status, _, headers = await world.ask("GET", f"{path}/screen.png")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "image/png", "no-store")
    assert (await world.ask("GET", f"{path}/serial"))[1] == "one\ntwo\n"


async def test_a_failure_tells_its_last_line_and_keeps_the_log(world: World) -> None:
    install = await world.install()
    log = "step one\n\x1b[31mstep two\x00\x07\nno space left on device\n"

    await world.get(f"/report/{world.token(install, 'report')}/failure", method="POST", data=log)

    after = await world.store.install(install.id)
    event = (await world.store.events(install=install.id))[-1]
    assert (after.stage, after.reason) == (Stage.FAILED, "no space left on device")
    assert event.data["text"] == "step one\n[31mstep two\nno space left on device"


async def test_without_the_token_nothing_is_recorded(world: World) -> None:
    install = await world.install()
    before = await world.kinds()

    for token in ("x", world.token(install, "answer"), world.token(install, "stub")):
        assert (await world.get(f"/report/{token}/success", method="POST"))[0] == 404

    assert await world.kinds() == before


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("success", {"method": "HEAD"}, 405),
        ("nonsense", {"method": "POST"}, 404),
        ("progress?percent=101", {"method": "POST"}, 422),
        ("progress?percent=-1", {"method": "POST"}, 422),
        ("progress", {"method": "POST", "data": b"x" * (64 * 1024 + 1)}, 413),
        ("success", {"method": "PUT"}, 405),
    ],
)
async def test_odd_reports_change_nothing(
    world: World, path: str, options: dict[str, object], status: int
) -> None:
    install = await world.install()
    before = await world.kinds()

    assert (await world.get(f"/report/{world.token(install, 'report')}/{path}", **options))[0] == status
    assert await world.kinds() == before


async def test_a_body_that_is_no_utf8_is_taken_as_far_as_it_goes(world: World) -> None:
    install = await world.install()

    path = f"/report/{world.token(install, 'report')}/progress"
    assert (await world.get(path, method="POST", data=b"caf\xe9"))[0] == 204
    assert (await world.store.events(install=install.id))[-1].text == "caf\N{REPLACEMENT CHARACTER}"


async def test_who_hangs_up_once_it_was_said_has_reported(world: World) -> None:
    """nc ends its side with its input, before the answer is there."""
    install = await world.install()
    await world.event(Kind.ANSWER_SERVED, install.id)
    path = f"/report/{world.token(install, 'report')}"
    steps = [f"step {number}" for number in range(1, 21)]
    for said in steps:
        _, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
        writer.write(f"POST {path}/progress HTTP/1.0\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())
        writer.write_eof()
        await writer.drain()
        writer.close()

    async with asyncio.timeout(10):
        while len(events := await world.store.events(install=install.id, kinds=(Kind.PROGRESS,))) < len(
            steps
        ):
            await asyncio.sleep(0.05)
    assert sorted(event.text for event in events) == sorted(steps)


async def test_the_lines_of_a_log_that_say_what_is_wrong_are_told_alone(world: World) -> None:
    install = await world.install()
    log = "one\nno disk was found\ntwo\nno disk was found\nsomething ended with 1\n"

    await world.get(f"/report/{world.token(install, 'report')}/failure", method="POST", data=log)

    told = [(e.kind, e.source, e.text) for e in (await world.store.events(install=install.id))[-2:]]
    assert told == [
        (Kind.LOG, "report", "no disk was found"),
        (Kind.FAILED, "http", "something ended with 1"),
    ]


@pytest.mark.parametrize(
    ("posted", "told"),
    [
        (
            {"event_type": "start", "name": "subiquity/Install", "description": "installing system"},
            "installing system",
        ),
        ({"event_type": "start", "name": "subiquity/Late", "description": ""}, "subiquity/Late"),
        ({"event_type": "finish", "name": "a", "description": "b", "result": "FAIL"}, "FAIL: b"),
        ({"event_type": "finish", "name": "a", "description": "b", "result": "SUCCESS"}, None),
        ({"something": "else"}, '{"something": "else"}'),
    ],
)
async def test_the_steps_of_ubuntu_s_installer(
    world: World, posted: dict[str, str], told: str | None
) -> None:
    install = await world.install()

    path = f"/report/{world.token(install, 'report')}/progress"
    assert (await world.get(path, method="POST", json=posted))[0] == 204

    events = await world.store.events(install=install.id, kinds=[Kind.PROGRESS])
    assert [event.text for event in events] == ([] if told is None else [told])
