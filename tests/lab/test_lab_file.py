"""docs/examples/lab.yaml on real guests: four methods, one of which fails on purpose and is mended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab_files import EXAMPLES, run
from tests.lab.networks import POOL, virsh
from tests.lab.service import Service
from tests.lab.test_methods import image, medium

BROKEN = "    location: mini # the tree's name; its kernel is started directly\n"
GUESTS = ["plab-by-import", "plab-by-iso", "plab-by-pxe", "plab-by-url", "plab-web1", "plab-web2"]


@pytest.fixture
def _floor() -> Iterator[None]:
    """The lab's own network outlives the service."""
    yield
    if "plab-back" in virsh("net-list", "--all", "--name"):
        virsh("net-destroy", "plab-back", check=False)
        virsh("net-undefine", "plab-back")


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("_floor")
def test_a_lab_of_four_methods(nat: Service, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--every-cell"):
        pytest.skip("six guests take their time where KVM is missing: make e2e-full installs them")
    file = tmp_path / "lab.yaml"
    text = here((EXAMPLES / "lab.yaml").read_text(), nat)
    assert text.count(BROKEN) == 1
    file.write_text(text.replace(BROKEN, f'{BROKEN}    variables: {{pre: "exit 7"}}\n'))

    def told(command: str, code: int) -> str:
        ended, said = run(command, file, nat)
        assert ended == code, f"{command}: {ended}\n{said}\n{nat.tail(20)}"
        return said

    assert "8 to add, 0 to change, 0 to replace, 1 unchanged" in told("provisioner plan FILE", 3)
    said = told("provisioner apply FILE --wait", 1)
    assert "plab-by-url" in said
    stages = {name: nat.install(name)["stage"] for name in GUESTS}
    assert stages == {name: "failed" if name == "plab-by-url" else "installed" for name in GUESTS}
    assert "plab-by-url" in told("provisioner install why plab-by-url", 0)

    again = told("provisioner plan FILE", 0)
    assert "its installation failed: provisioner install why plab-by-url" in again
    installs = {name: nat.install(name)["id"] for name in GUESTS}
    told("provisioner apply FILE", 0)
    assert {name: nat.install(name)["id"] for name in GUESTS} == installs

    virsh("autostart", "plab-web1")
    file.write_text(text)
    said = told("provisioner plan FILE", 3)
    assert "variables.pre" in said and "guest plab-web1  (autostart was changed behind us)" in said
    assert "guest plab-by-url: changed" in told("provisioner apply FILE", 0)
    told("provisioner rebuild plab-by-url --wait", 0)
    assert nat.install("plab-by-url")["stage"] == "installed"
    assert "9 unchanged" in told("provisioner plan FILE", 0)

    file.write_text("lab: four-ways\n")
    assert "8 would go with --prune" in told("provisioner plan FILE", 0)
    told("provisioner apply FILE --prune", 0)
    assert nat.call("GET", "/guests") == []
    assert "plab-back" not in virsh("net-list", "--all", "--name")
    assert [name for name in virsh("vol-list", POOL).split() if "plab-by" in name or "plab-web" in name] == []


def here(text: str, service: Service) -> str:
    """The example with this machine's network, pool and media."""
    service.have_mini()
    medium(service)
    image(service, "tiny")
    text = text.replace("disk.qcow2", "tiny.qcow2").replace("network=default", service.lan.nic)
    text = text.replace("{size: 1}", f"{{size: 1, pool: {POOL}}}").replace(
        "linked: on", f"linked: on, pool: {POOL}"
    )
    text = text.replace("by-", "plab-by-").replace("web", "plab-web").replace("name: back", "name: plab-back")
    text = text.replace("network=back", "network=plab-back")
    return text.replace("    memory: 256\n", f"    memory: 256\n    networks: [{service.lan.nic}]\n", 1)
