"""The service killed with -9 in every stage of an install: started again, the install goes on, and once."""

import sqlite3
import threading
import time

import pytest

from tests.lab.networks import POOL, virsh
from tests.lab.service import Service

STAGES = ("creating", "booting", "loading", "installing", "finishing")


def stage_in_store(service: Service, name: str) -> str:
    """Read beside the service, so that nothing waits for its answer."""
    with sqlite3.connect(f"file:{service.state}/provisioner.db?mode=ro", uri=True, timeout=5) as store:
        row = store.execute(
            "select stage from installs where guest = ? order by number desc limit 1", (name,)
        ).fetchone()
    store.close()
    return row[0] if row else ""


def ask_for(service: Service, name: str) -> None:
    """A create request whose answer may never come."""
    try:
        service.create(name, disks=[f"size=1,pool={POOL}"])
    except OSError:
        return


@pytest.mark.parametrize("stage", STAGES)
def test_kill9(nat: Service, stage: str) -> None:
    name = f"plab-kill9-{stage}"
    asking = threading.Thread(target=ask_for, args=(nat, name))
    asking.start()
    end = time.monotonic() + 240
    while stage_in_store(nat, name) != stage:
        assert time.monotonic() < end, f"stage {stage} was not seen\n{nat.story(name)}"
        time.sleep(0.002)

    nat.kill()
    asking.join()
    nat.start()
    nat.wait(name, 420, "first-boot")

    kinds = nat.kinds(name)
    assert kinds.count("answer.served") == 1
    assert kinds.count("succeeded") >= 1  # the report is sent again where its answer was lost
    assert [i["id"] for i in nat.call("GET", "/installs") if i["guest"] == name] == [nat.install(name)["id"]]
    assert len([line for line in virsh("vol-list", POOL).splitlines() if name in line]) == 1
    nat.call("DELETE", f"/guests/{name}")
