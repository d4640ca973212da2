"""The four doors (67, 4011, TFTP, HTTP) before and after the answer file was served: one decision."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.lab.networks import POOL, cable, namespace, run, virsh
from tests.lab.service import Service

CLIENT = "10.213.2.40"
NETNS = "plab-client"
NAME = "plab-doors"


@pytest.fixture
def ask(nat: Service) -> Iterator[Any]:
    """Asks in the place of a guest: with its MAC address, on its network, the guest itself being off."""
    created = nat.create(NAME, disks=[f"size=1,pool={POOL}"], boot="uefi", rom=False)
    virsh("destroy", NAME)
    mac, uuid = created["install"]["mac"], created["install"]["uuid"]
    serial = re.findall(r"<entry name='serial'>([^<]+)<", virsh("dumpxml", NAME))[0]
    script = f"{nat.lan.root}/boot/script/{serial}?mac={mac}&uuid={uuid}"

    def question(*arguments: str) -> Any:
        inside = ("ip", "netns", "exec", NETNS, sys.executable, "-m", "tests.lab.client")
        return json.loads(run(*inside, *arguments))

    def doors() -> dict[str, Any]:
        return {
            "67": question("dhcp", mac, uuid),
            "4011": question("proxy", nat.lan.address, CLIENT, mac, uuid),
            "tftp": question("tftp", nat.lan.address, "snponly.efi"),
            "http": question("http", script),
        }

    with ExitStack() as stack:
        stack.enter_context(namespace(NETNS))
        stack.enter_context(cable("plab2client", NETNS, CLIENT))
        run("ip", "-n", NETNS, "link", "set", "eth0", "address", mac)
        run("ip", "link", "set", "plab2client", "master", nat.lan.device)
        yield question, doors


def test_four_doors_take_one_decision(nat: Service, ask: Any) -> None:
    question, doors = ask
    boot = {"server": nat.lan.address, "file": "snponly.efi"}

    before = doors()
    answer_url = re.findall(r"inst\.ks=(\S+)", before["http"]["text"])[0]

    assert before["67"] == boot
    assert before["4011"] == boot
    assert before["tftp"] > 100_000
    assert "initrd" in before["http"]["text"]

    assert question("head", answer_url) == {"status": 200}
    time.sleep(1)
    assert question("proxy", nat.lan.address, CLIENT, *_machine(nat)) == boot, "a HEAD changes nothing"

    assert question("http", answer_url)["status"] == 200
    nat.wait_for(NAME, "answer.served", 5)
    time.sleep(1)
    after = doors()

    assert after["67"] is None
    assert after["4011"] is None
    assert "Received ERR from server" in after["tftp"]
    assert "initrd" not in after["http"]["text"]
    assert "exit" in after["http"]["text"]
    assert nat.install(NAME)["stage"] == "installing"
    assert nat.kinds(NAME).count("answer.served") == 1
    assert nat.kinds(NAME).count("local-boot") >= 1
    nat.call("DELETE", f"/guests/{NAME}")


def _machine(service: Service) -> tuple[str, str]:
    install = service.install(NAME)
    return install["mac"], install["uuid"]
