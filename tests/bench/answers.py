"""Answer files for everybody at once: five hundred installs, each with its own token, through `/answer`.

A fetch counts once its body is whole; the run is over when the database holds that each of them was served,
with the stage that follows from it.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

from provisioner import state as states
from provisioner.answers.render import render
from provisioner.core.install import Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.core.profile import Tree
from provisioner.service.answers import sample
from provisioner.service.contexts import completed
from provisioner.service.shipped import shipped
from provisioner.service.tokens import Tokens, load_key
from provisioner.store.database import Database
from tests.bench.dhcp import Tell
from tests.bench.measure import at_rest, cpu
from tests.lab.alone import processes
from tests.lab.networks import HTTP_PORT, Lan
from tests.lab.service import Service, until

INSTALLS, WHOLE, P99, RENDER = 500, 5.0, 250.0, 200.0
"""How many; seconds until all are served and stored; milliseconds of 99 of 100; microseconds of a text."""
_CALLS = 200
PROFILE, FILE = "centos7", "ks.cfg"


def answers(state: Path, quick: bool, tell: Tell) -> bool:
    """Prints each run; whether the gates hold in the middle one."""
    runs = 3 if quick else 5
    tell(f"answer files: {INSTALLS} installs of {PROFILE} fetch their own at once, {runs} runs")
    turns = [_turn(state / f"answers{number}", tell) for number in range(runs)]
    seconds, p99 = (median(turn[index] for turn in turns) for index in (0, 1))
    rendered = _rendered(tell)
    held = True
    for what, holds in (
        (f"rendering alone {rendered:.0f} us of CPU in the dearest, at most {RENDER:g}", rendered <= RENDER),
        (f"all served and stored after {seconds:.2f} s, at most {WHOLE:g}", seconds <= WHOLE),
        (f"p99 {p99:.0f} ms, at most {P99:g}", p99 <= P99),
    ):
        tell(f"    {what}: {'holds' if holds else 'DOES NOT HOLD'}")
        held = held and holds
    return held


def _rendered(tell: Tell) -> float:
    """Microseconds of CPU that the dearest of the shipped profiles' answer files takes, the best of five."""
    cost = {}
    for profile in shipped().values():
        context = sample(profile, profile.release)
        template = completed(profile, context.release).template
        render(template, context)
        cost[profile.name] = min(_cpu(partial(render, template, context)) for _ in range(5))
    tell("  rendered in us of CPU: " + ", ".join(f"{name} {each:.0f}" for name, each in sorted(cost.items())))
    return max(cost.values())


def _cpu(call: Callable[[], object]) -> float:
    begun = time.process_time()
    for _ in range(_CALLS):
        call()
    return (time.process_time() - begun) / _CALLS * 1e6


def _turn(state: Path, tell: Tell) -> tuple[float, float]:
    (state / "cache").mkdir(parents=True)
    state.chmod(0o755)
    states.remember_proof(state / "cache" / "kvm.json", (False, "no guest is made here"))
    service = Service(state, Lan("answers", "", "lo", "127.0.0.1", "", {"NETBOOT": "false"}))
    try:
        service.start()
        tokens = asyncio.run(_enrol(state))
        pids = processes(state)
        at_rest(lambda: cpu(pids))
        before, begun = cpu(pids), time.monotonic()
        asked = json.dumps([f"http://127.0.0.1:{HTTP_PORT}/answer/{token}/{FILE}" for token in tokens])
        words = [sys.executable, "-m", "tests.bench.answers_load"]
        done = subprocess.run(words, input=asked, capture_output=True, text=True, check=True, timeout=120)
        until(lambda: _served(state) == INSTALLS, 60, f"{INSTALLS} served answer files", 0.02)
        seconds, spent = time.monotonic() - begun, cpu(pids) - before
    finally:
        service.stop()
    told = json.loads(done.stdout)
    seconds -= told["start"]
    tell(
        f"  {seconds:.2f} s in all, p50 {told['p50']:.0f} p99 {told['p99']:.0f} max {told['most']:.0f} ms, "
        f"{told['failed']} failed; {spent / INSTALLS * 1000:.1f} ms of CPU for each"
    )
    assert not told["failed"]
    return seconds, told["p99"]


async def _enrol(state: Path) -> list[str]:
    """The answer tokens of machines that are about to install."""
    store, now = Database(f"sqlite+aiosqlite:///{state / 'provisioner.db'}"), datetime.now(UTC)
    await store.open()
    tokens = Tokens(load_key(state / "service.key"), store, lambda: datetime.now(UTC))
    await store.put_tree(Tree(PROFILE, "http://127.0.0.1:9/os", "rhel", "7", "vmlinuz", "initrd.img"))
    installs = [
        Install(
            f"b{n}",
            f"bench{n}",
            f"52:54:00:bb:{n >> 8:02x}:{n & 255:02x}",
            "",
            PROFILE,
            Stage.LOADING,
            now,
            now,
        )
        for n in range(INSTALLS)
    ]
    for install in installs:
        await store.add_machine(Machine(install.guest, install.mac))
        await store.add_install(install, None)
        await tokens.issue(install)
    await store.close()
    return [tokens.mint(install.id, "answer", install.generation) for install in installs]


def _served(state: Path) -> int:
    with closing(sqlite3.connect(f"file:{state / 'provisioner.db'}?mode=ro", uri=True)) as database:
        query = (
            "SELECT count(*) FROM events JOIN installs ON events.install = installs.id "
            "WHERE events.kind = ? AND installs.stage = ?"
        )
        (count,) = database.execute(query, (str(Kind.ANSWER_SERVED), str(Stage.INSTALLING))).fetchone()
    return int(count)
