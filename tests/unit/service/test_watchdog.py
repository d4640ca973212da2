import pytest

from provisioner.core.install import Install, Kind, Stage
from provisioner.service.watchdog import Watchdog
from tests.fakes import START
from tests.unit.service.world import REQUEST, World

DEADLINES = {"creating": 300, "booting": 200, "loading": 600, "installing": 5400}


def watchdog(world: World, **given: object) -> Watchdog:
    monotonic = given.pop("monotonic", lambda: world.clock.now.timestamp())
    hosts = lambda uri: world.libvirt  # noqa: E731
    return Watchdog(world.memory, hosts, world.clock, DEADLINES, 180, monotonic=monotonic, **given)  # type: ignore[arg-type]


async def created(world: World, *kinds: Kind) -> Watchdog:
    """A guest whose install saw these events; the clock stands at the last."""
    await world.guests().create(REQUEST)
    await world.happen(*kinds)
    return watchdog(world)


TO_LOADING = (Kind.DHCP_QUESTION, Kind.DHCP_OFFER, Kind.SCRIPT_SENT)

DEADLINE: dict[str, tuple[tuple[Kind, ...], int, str]] = {
    "booting": (
        (),
        200,
        "stage booting not done after 200 s; last: web1 is switched on; missing: a DHCP question from "
        "52:54:00:00:00:01; likely cause: its network card is on a network that the service does not "
        "answer on, or its firmware does not netboot",
    ),
    "loading": (
        TO_LOADING,
        600,
        "stage loading not done after 600 s; last: script.sent; missing: the fetch of the kernel; "
        "likely cause: the boot script was read, but no kernel came through",
    ),
    "installing": (
        (*TO_LOADING, Kind.KERNEL_SENT, Kind.ANSWER_SERVED),
        5400,
        "stage installing silent for 5400 s; last: answer.served; missing: a report of success or failure; "
        "likely cause: the installer has its answer file and has not reported since",
    ),
}


@pytest.mark.parametrize(("kinds", "seconds", "reason"), DEADLINE.values(), ids=DEADLINE)
async def test_silence_ends_in_a_failure_that_says_why(
    world: World, kinds: tuple[Kind, ...], seconds: int, reason: str
) -> None:
    dog = await created(world, *kinds)
    stage = (await world.memory.install("i1")).stage

    world.clock.pass_(seconds - 1)
    await dog.tick()
    assert (await world.memory.install("i1")).stage is stage
    world.clock.pass_(1)
    await dog.tick()

    failed = await world.memory.install("i1")
    assert (failed.stage, failed.failed_at, failed.reason) == (Stage.FAILED, stage, reason)


async def test_an_installer_that_works_on_is_left_alone(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED)

    for kind in (Kind.TREE_BYTES, Kind.LOG, Kind.PROGRESS) * 3:
        world.clock.pass_(5000)
        await world.happen(kind)
        await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLING


PANIC = "[    9.10] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"


async def test_an_installer_that_said_what_it_does_not_get_over_is_not_waited_for(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED)
    await world.happen(Kind.CONSOLE, text=PANIC)

    world.clock.pass_(110)
    await dog.tick()
    assert (await world.memory.install("i1")).stage is Stage.INSTALLING
    world.clock.pass_(60)
    await dog.tick()

    failed = await world.memory.install("i1")
    assert (failed.stage, failed.failed_at) == (Stage.FAILED, Stage.INSTALLING)
    assert (
        failed.reason.startswith("silent for 171 s after what it does not get over")
        and PANIC in failed.reason
    )


@pytest.mark.parametrize("line", ["all is well", "mke2fs: warning: a disk is slow"])
async def test_an_installer_that_said_nothing_of_the_kind_has_its_whole_deadline(
    world: World, line: str
) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED)
    await world.happen(Kind.CONSOLE, text=line)

    for _ in range(20):
        world.clock.pass_(200)
        await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLING


async def test_one_that_goes_on_after_a_panic_of_its_firmware_is_left_alone(world: World) -> None:
    dog = await created(world, *TO_LOADING)
    await world.happen(Kind.CONSOLE, text="No bootable device.")
    await world.happen(Kind.ANSWER_SERVED)

    for _ in range(20):
        world.clock.pass_(200)
        await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLING


async def test_firmware_that_asks_again_and_again_does_not_get_on(world: World) -> None:
    dog = await created(world)

    for _ in range(20):
        world.clock.pass_(10)
        await world.happen(Kind.DHCP_QUESTION, Kind.DHCP_OFFER)
        await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.FAILED
    assert world.libvirt.resets == []


async def test_a_silent_boot_is_reset_once(world: World) -> None:
    dog = await created(world, *TO_LOADING)
    uuid = (await world.memory.guest("web1")).spec.uuid

    world.clock.pass_(299)
    await dog.tick()
    assert world.libvirt.resets == []
    for _ in range(5):
        world.clock.pass_(10)
        await dog.tick()

    assert world.libvirt.resets == [uuid]
    assert (await world.memory.install("i1")).resets == 1
    assert (await world.kinds()).count(Kind.RESET) == 1


async def test_a_guest_reset_while_booting_is_not_reset_while_loading(world: World) -> None:
    dog = await created(world)
    world.clock.pass_(100)
    await dog.tick()
    assert len(world.libvirt.resets) == 1

    await world.happen(*TO_LOADING)
    world.clock.pass_(400)
    await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.LOADING
    assert len(world.libvirt.resets) == 1


async def test_a_machine_that_only_boots_again_and_again_does_not_install(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED)

    for _ in range(6):
        world.clock.pass_(900)
        await world.happen(Kind.REBOOTED, Kind.DHCP_QUESTION, Kind.LOCAL_BOOT, Kind.ANSWER_REFUSED)
        await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.FAILED


async def test_nothing_is_reset_once_the_answer_file_was_served(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED)

    for _ in range(5):
        world.clock.pass_(1000)
        await dog.tick()

    assert world.libvirt.resets == []


async def test_a_success_without_reboot_settles(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED, Kind.SUCCEEDED)

    world.clock.pass_(179)
    await dog.tick()
    assert (await world.memory.install("i1")).stage is Stage.FINISHING
    world.clock.pass_(1)
    await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLED
    assert (await world.kinds())[-1] is Kind.SETTLED


async def test_a_success_whose_power_off_was_missed_is_found_off(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED, Kind.SUCCEEDED)
    await world.guests().destroy("web1")
    world.clock.pass_(180)

    await dog.tick()

    assert (await world.kinds())[-1] is Kind.STOPPED
    assert (await world.memory.install("i1")).stage is Stage.INSTALLED


async def test_a_guest_that_stays_off_does_not_get_on(world: World) -> None:
    dog = await created(world, *TO_LOADING, Kind.ANSWER_SERVED)
    guests = world.guests()

    await guests.destroy("web1")
    await dog.tick()
    world.clock.pass_(59)
    await dog.tick()
    await guests.start("web1")
    await dog.tick()
    await guests.destroy("web1")
    world.clock.pass_(59)
    await dog.tick()
    assert not (await world.memory.install("i1")).over
    world.clock.pass_(60)
    await dog.tick()

    failed = await world.memory.install("i1")
    assert failed.stage is Stage.FAILED
    assert failed.reason.startswith("the guest is switched off, and it did not report success")


async def test_a_guest_that_was_removed_ends_its_install(world: World) -> None:
    dog = await created(world)
    world.libvirt.there.clear()
    await dog.tick()
    world.clock.pass_(60)
    await dog.tick()

    failed = await world.memory.install("i1")
    assert failed.reason.startswith("the guest is no longer in libvirt, and it did not report success")


async def test_while_libvirt_is_away_nothing_is_judged(world: World) -> None:
    dog = await created(world)
    world.libvirt.down = True
    world.clock.pass_(100_000)

    await dog.tick()
    assert not (await world.memory.install("i1")).over
    world.libvirt.down = False
    await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.FAILED


async def test_an_install_that_is_being_made_is_left_to_its_maker(world: World) -> None:
    await created(world)
    world.clock.pass_(100_000)

    await watchdog(world, busy=lambda install: install == "i1").tick()

    assert not (await world.memory.install("i1")).over


async def test_a_machine_waits_for_ever_and_is_never_reset(world: World) -> None:
    metal = Install("m1", "rack1", "52:54:00:99:00:01", "", "tiny", Stage.PLANNED, START, START)
    await world.memory.add_install(metal, None)
    world.clock.pass_(1_000_000)
    dog = watchdog(world)

    await dog.tick()
    assert (await world.memory.install("m1")).stage is Stage.PLANNED
    await world.happen(Kind.DHCP_QUESTION, install="m1")
    world.clock.pass_(199)
    await dog.tick()
    assert (await world.memory.install("m1")).stage is Stage.BOOTING
    world.clock.pass_(1)
    await dog.tick()

    assert (await world.memory.install("m1")).stage is Stage.FAILED
    assert world.libvirt.resets == []


DAY = 86400.0


class Jumping:
    """The wall clock of a world whose date somebody sets, beside one that only goes on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._at = 0.0

    def __call__(self) -> float:
        return self._at

    def pass_(self, seconds: float) -> None:
        self._at += seconds
        self._world.clock.pass_(seconds)


@pytest.mark.parametrize("jump", [DAY, -DAY, 3600, -3600, 3650 * DAY])
@pytest.mark.parametrize("kinds", [(), TO_LOADING, (*TO_LOADING, Kind.ANSWER_SERVED)])
async def test_a_date_that_is_set_ends_no_install_and_silence_still_does(
    world: World, jump: float, kinds: tuple[Kind, ...]
) -> None:
    steady = Jumping(world)
    await world.guests().create(REQUEST)
    await world.happen(*kinds)
    dog = watchdog(world, monotonic=steady)
    await dog.tick()
    stage = (await world.memory.install("i1")).stage
    seconds = DEADLINES[stage.value]

    world.clock.pass_(jump)
    for _ in range(3):
        steady.pass_(seconds / 4)
        await dog.tick()
    assert (await world.memory.install("i1")).stage is stage

    steady.pass_(seconds / 4)
    await dog.tick()
    assert (await world.memory.install("i1")).stage is Stage.FAILED


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_an_installer_that_works_on_while_the_date_is_set_is_left_alone(
    world: World, jump: float
) -> None:
    steady = Jumping(world)
    await world.guests().create(REQUEST)
    await world.happen(*TO_LOADING, Kind.ANSWER_SERVED)
    dog = watchdog(world, monotonic=steady)
    await dog.tick()

    world.clock.pass_(jump)
    for _ in range(6):
        steady.pass_(4000)
        await world.happen(Kind.LOG)
        await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLING


async def test_a_date_set_while_nobody_watched_is_believed_for_half_a_deadline(world: World) -> None:
    steady = Jumping(world)
    await world.guests().create(REQUEST)
    world.clock.pass_(DAY)
    dog = watchdog(world, monotonic=steady)

    await dog.tick()
    assert (await world.memory.install("i1")).stage is Stage.BOOTING
    steady.pass_(100)
    await dog.tick()

    assert (await world.memory.install("i1")).stage is Stage.FAILED


async def test_a_stage_without_a_set_deadline_has_the_learnt_one(world: World) -> None:
    async def learnt(install: Install, stage: Stage) -> float | None:
        return 50.0 if stage is Stage.BOOTING else None

    await world.guests().create(REQUEST)
    dog = Watchdog(
        world.memory,
        lambda uri: world.libvirt,
        world.clock,
        {},
        180,
        learnt=learnt,
        monotonic=lambda: world.clock.now.timestamp(),
    )
    world.clock.pass_(49)
    await dog.tick()
    assert not (await world.memory.install("i1")).over
    world.clock.pass_(1)
    await dog.tick()

    assert (await world.memory.install("i1")).reason.startswith("stage booting not done after 50 s")
