"""The whole chain, booted: power-on to the first boot from disk, on each network, by each firmware."""

from tests.lab.conftest import FIRMWARES
from tests.lab.networks import POOL
from tests.lab.service import Service


def test_a_guest_installs_itself(cell: tuple[str, str], served: Service) -> None:
    network, firmware = cell
    name = f"plab-{network}-{firmware}"
    served.create(name, disks=[f"size=1,pool={POOL}"], **FIRMWARES[firmware])

    served.wait(name, 420, "first-boot")

    kinds = served.kinds(name)
    assert kinds.count("answer.served") == 1
    assert kinds.count("succeeded") == 1
    assert kinds.count("kernel.sent") == 1, "one kernel: the second boot did not come from the network"
    assert ("loader.sent" in kinds) == (firmware == "uefi-edk2")
    assert ("dhcp.offer" in kinds) == (network != "isolated"), "on isolated, libvirt's <bootp> alone must do"
    served.call("DELETE", f"/guests/{name}")
