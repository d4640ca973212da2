"""Several guests by one request: installed over PXE side by side, and cloned from one of them."""

from typing import Any

from tests.lab.networks import POOL, virsh
from tests.lab.service import Service, until

NAMES = ["plab-many-1", "plab-many-2", "plab-many-3"]
CLONES = ["plab-many-a", "plab-many-b", "plab-many-c"]


def lines(service: Service, path: str, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The answer's lines, by the name that each tells of."""
    return {line["name"]: line for line in service.lines(path, body)}


def test_several_are_installed_side_by_side_and_cloned(nat: Service) -> None:
    wanted = {"profile": "tiny", "networks": [nat.lan.nic], "disks": [f"size=1,pool={POOL}"], "memory": 256}
    made = lines(nat, "/guests/batch", {"names": [*NAMES, NAMES[0]], **wanted})
    assert sorted(made) == NAMES
    installs = {i["guest"]: i["id"] for i in nat.call("GET", "/installs")}
    for name in NAMES:
        nat.wait(name, 420, "first-boot")
        assert nat.kinds(name).count("answer.served") == 1
        assert nat.install(name)["id"] == installs[name]

    source, *others = NAMES
    nat.call("POST", f"/guests/{source}/destroy")
    cloned = lines(nat, f"/guests/{source}/clones", {"names": [*CLONES, others[0]]})
    assert [cloned[name]["guest"]["state"] for name in CLONES] == ["shut off"] * len(CLONES)
    assert cloned[others[0]]["status"] == 409
    bases = {line.split()[-1] for name in CLONES for line in backing(name)}
    assert len(bases) == 1

    for name in (CLONES[-1], source):  # what stands on one base boots, and so does what it was made of
        before = nat.boots(name)
        nat.call("POST", f"/guests/{name}/start")
        until(lambda name=name, before=before: nat.boots(name) > before, 180, f"{name} booted")  # type: ignore[misc]
    for name in [*CLONES, *NAMES]:
        nat.call("DELETE", f"/guests/{name}")
    assert [line for line in virsh("vol-list", POOL).splitlines() if "plab-many" in line] == []


def backing(name: str) -> list[str]:
    """Where the disk of a guest says that it stands."""
    volume = next(word for word in virsh("domblklist", name, "--details").split() if f"{name}-" in word)
    return [line.strip() for line in virsh("vol-dumpxml", volume).splitlines() if "<path>" in line][-1:]
