"""Power comes back: machines netboot at once, and each gets its offer, its loader and its own boot script.

The service is whole, in a namespace; those who ask have firmware's timers, and an address each.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from provisioner.core.install import Install, Stage
from provisioner.core.machine import Machine
from provisioner.core.profile import Profile, Tree
from provisioner.store.database import Database
from tests.bench import dhcp
from tests.bench.dhcp_load import mac, uuid
from tests.bench.storm_load import FIRST, Asked, Stormed, first_address
from tests.bench.tftp_load import ENVIRONMENT, SMALL, inside
from tests.lab.networks import HTTP_PORT, run

MACHINES, SECONDS = 500, 5.0
BOUND = 100.0
"""Milliseconds that 99 of 100 offers take at most, from the question's arrival."""
_LOADER = 200_000
_SETTLED = 1.0
_PATIENCE = 120


def storm(state: Path, tell: dhcp.Tell, machines: int = MACHINES, seconds: float = SECONDS) -> Stormed:
    """Prints what became of the machines that were switched on within so many seconds."""
    asked = Asked(dhcp.CARD, dhcp.SERVER, dhcp.DEVICE, dhcp.ADDRESS, HTTP_PORT, machines, seconds, 1)
    with dhcp.cabled(state / "storm") as ground:
        (ground.root / SMALL).write_bytes(b"MZ" + bytes(_LOADER - 2))
        run("ip", "-n", dhcp.SERVER, "route", "add", FIRST, "dev", dhcp.DEVICE)
        lines = "".join(f"address add {first_address(n)}/32 dev {dhcp.CARD}\n" for n in range(machines))
        subprocess.run(
            ["ip", "-n", dhcp.CLIENT, "-batch", "-"], input=lines, text=True, check=True, capture_output=True
        )
        with dhcp.served(state, ground, lambda folder: _enrol(folder, machines)) as netboot:
            for pid in netboot:
                dhcp.ahead(pid)
            words = [*inside(dhcp.CLIENT, -1), sys.executable, "-m", "tests.bench.storm_load"]
            said = subprocess.run(
                [*words, json.dumps(asdict(asked))],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds + _PATIENCE,
            )
    if said.returncode:
        raise RuntimeError(said.stderr[-2000:])
    found = Stormed(**json.loads(said.stdout))
    tell(
        f"storm: {machines} machines within {seconds:g} s: {found.scripts} got their script, "
        f"{found.lost} did not, {found.again} questions were asked again"
    )
    tell(
        f"  offers p50 {found.p50:.2f} p99 {found.p99:.2f} max {found.most:.1f} ms; "
        f"from power-on to script p50 {found.half:.2f} max {found.last:.2f} s"
    )
    for fault in found.faults[:5]:
        tell(f"    {fault}")
    return found


def storms(state: Path, tell: dhcp.Tell) -> bool:
    """Whether the gates hold."""
    found, held = storm(state, tell), True
    for what, holds in (
        (f"{found.scripts} of {MACHINES} scripts", found.scripts == MACHINES),
        (f"{found.lost} lost", not found.lost),
        (f"p99 of offers {found.p99:.2f} ms, at most {BOUND:g}", found.p99 <= BOUND),
    ):
        tell(f"    {what}: {'holds' if holds else 'DOES NOT HOLD'}")
        held = held and holds
    return held


async def _enrol(state: Path, machines: int) -> None:
    """Every machine, with an install that is to begin from a tree that nobody reads."""
    store, now = Database(f"sqlite+aiosqlite:///{state / 'provisioner.db'}"), datetime.now(UTC)
    await store.open()
    tree = Tree(
        "storm", "http://192.0.2.1/", "rhel", "7", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"
    )
    await store.put_tree(tree)
    await store.put_profile(Profile("storm", "rhel", "storm", release="7"), new=True)
    for number in range(machines):
        name = f"plab-{number}"
        await store.add_machine(Machine(name, mac(number), uuid(number), profile="storm"))
        install = Install(f"plab{number}", name, mac(number), uuid(number), "storm", Stage.PLANNED, now, now)
        await store.add_install(install, None)
    await store.close()
    await asyncio.sleep(_SETTLED)
