"""The netboot process: `python -m provisioner.wiring.netboot`, told what to do on its standard input."""

import asyncio
import contextlib
import gc
import json
import logging
import signal
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from provisioner.netboot import interfaces
from provisioner.process import orphaned, say
from provisioner.wiring.ground import now

_TURN = 0.00002
"""Seconds that the thread which writes events may keep the one that answers waiting."""


def netboot() -> None:
    """The child's whole life."""
    logging.basicConfig(level=logging.INFO, format="netboot: %(message)s")
    sys.setswitchinterval(_TURN)
    # Loaded while the parent still gets the store ready, and before it says what is to be done.
    for module in (
        "netboot.server",
        "service.recorder",
        "service.snapshot",
        "store.database",
        "media.loaders",
    ):
        import_module(f"provisioner.{module}")
    from provisioner.netboot.selector import HotLoop

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=HotLoop) as runner:
        runner.run(_netboot(json.loads(sys.stdin.readline())))


async def _netboot(given: dict[str, Any]) -> None:
    from provisioner.media.loaders import Shelf
    from provisioner.netboot.server import Netboot, NetbootSettings
    from provisioner.service.recipes import Recipes
    from provisioner.service.recorder import Recorder
    from provisioner.service.sightings import Sightings
    from provisioner.service.snapshot import Snapshot
    from provisioner.store.database import Database

    store = Database(given["database"], token_life=timedelta(minutes=given["token_minutes"]))
    await store.open()
    shelf = Shelf(Path(given["loaders"]), [Path(folder) for folder in given["loader_dirs"]])
    http_port, syslog_port = given["http_port"], given["netboot"]["syslog_port"]
    recipes = Recipes(Path(given["boot_dir"]), shelf, http_port=http_port, syslog_port=syslog_port)
    recorder = Recorder(store)
    snapshot = Snapshot(
        store,
        http_port=http_port,
        loaders=shelf,
        recipes=recipes,
        neighbour=interfaces.neighbour,
        sightings=Sightings(recorder.emit, now, discover=given["discover"]),
    )
    await snapshot.refresh()
    gc.freeze()  # all that was loaded stays; to look through it again would keep an answer waiting
    wanted = {**given["netboot"], "interfaces": tuple(given["netboot"]["interfaces"])}
    server = Netboot(
        NetbootSettings(**wanted),
        snapshot.decide,
        snapshot.loader,
        recorder.emit,
        now,
        snapshot.known,
        also=lambda: snapshot.repaired,
        known=snapshot.knows,
        behind=lambda: recorder.behind,
    )
    works = (server.run(lambda: say({"ready": True})), snapshot.keep(), recorder.keep(), orphaned())
    tasks = [asyncio.create_task(work) for work in works]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, tasks[-1].cancel)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done() and (error := tasks[0].exception()) is not None:
            remedy = getattr(error, "remedy", "")
            say({"error": str(error) or type(error).__name__, "remedy": remedy})
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.close()


if __name__ == "__main__":
    netboot()
