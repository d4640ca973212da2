"""A guest that is reset after its answer file was served boots its disk, each time."""

from tests.lab.networks import POOL, virsh
from tests.lab.service import Service, until

NAME = "plab-reset"


def wait_for_boot(service: Service, number: int) -> None:
    until(lambda: service.boots(NAME) == number, 180, f"boot {number} of the disk's system")


def test_three_resets_boot_from_disk(nat: Service) -> None:
    nat.create(NAME, disks=[f"size=1,pool={POOL}"])
    nat.wait(NAME, 420, "first-boot")
    before = nat.kinds(NAME)
    up = nat.boots(NAME)
    for count in range(1, 4):
        virsh("reset", NAME)
        wait_for_boot(nat, up + count)

    after = nat.kinds(NAME)
    for kind in ("answer.served", "script.sent", "kernel.sent", "succeeded"):
        assert after.count(kind) == before.count(kind), kind
    assert nat.install(NAME)["stage"] == "installed"
    nat.call("DELETE", f"/guests/{NAME}")
