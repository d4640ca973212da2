"""`network check`: its exit code, what it refuses by its form, and JSON for programs."""

import json

from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import FakeService
from tests.unit.cli.network_verbs import CHECK

FAILED = {
    "kind": "unserved",
    "severity": "fail",
    "sentence": "nobody answers PXE on bridge br0",
    "remedy": "provisioner network check bridge=br0 --repair",
    "repairs": ["proxy"],
}
BAD = {**CHECK, "place": "bridge=br0", "good": False, "verdicts": [FAILED, *CHECK["verdicts"]]}


def test_what_fails_ends_with_1(service: FakeService, provisioner: Provisioner) -> None:
    service.replies["GET /networks/bridge=br0/check"] = BAD
    ran = provisioner("network", "check", "bridge=br0", "--quick")

    assert (ran.code, ran.err) == (1, "")
    assert ran.out.splitlines()[0] == "FAIL  nobody answers PXE on bridge br0"
    assert service.last().query == {"quick": "1"}


def test_programs_read_json(service: FakeService, provisioner: Provisioner) -> None:
    service.replies["GET /networks/default/check"] = CHECK
    ran = provisioner("network", "check", "default", "-o", "json")

    assert (ran.code, json.loads(ran.out)) == (0, CHECK)


def test_what_contradicts_itself_is_a_fault_of_the_command_line(provisioner: Provisioner) -> None:
    assert provisioner("network", "check", "default", "--repair", "--undo").code == 2
    assert provisioner("network", "check", "default", "--repair", "magic").code == 2
    assert provisioner("network", "create", "lab", "--mode", "vlan").code == 2
    assert provisioner("network", "snippet").code == 2


def test_nobody_to_ask_means_no_deletion(service: FakeService, provisioner: Provisioner) -> None:
    from tests.unit.cli import fake

    service.replies["GET /networks/default"] = fake.NETWORK
    ran = provisioner("network", "delete", "default")

    assert ran.code == 1
    assert "which this service did not make" in ran.err and "--yes" in ran.err
