"""One verdict for a machine, and the one offer that follows from it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioner.boot.client import Client, Ignore
from provisioner.boot.decide import Offer, decide, refusal, verdict
from provisioner.core.firmware import by_code
from provisioner.core.install import Install, Stage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROOT, SERVER = "http://192.0.2.1:8080", "192.0.2.1"
RUNNING = Install(
    "i1",
    "web1",
    "52:54:00:12:34:56",
    "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab",
    "tiny",
    Stage.BOOTING,
    NOON,
    NOON,
)


def client(code: int, *, ipxe: bool = False) -> Client:
    firmware = by_code(code)
    assert firmware is not None
    return Client(RUNNING.mac, RUNNING.uuid, firmware, ipxe)


OFFERS = {
    "BIOS": (client(0), Offer("undionly.kpxe", SERVER, "PXEClient", True)),
    "BIOS iPXE": (client(0, ipxe=True), Offer(f"{ROOT}/boot/ipxe", SERVER, "PXEClient", True)),
    "UEFI": (client(7), Offer("snponly.efi", SERVER, "PXEClient", True)),
    "UEFI iPXE": (client(9, ipxe=True), Offer(f"{ROOT}/boot/ipxe", SERVER, "PXEClient", True)),
    "HTTP Boot": (client(16), Offer(f"{ROOT}/boot/snponly.efi", SERVER, "HTTPClient", False)),
}


@pytest.mark.parametrize(("asks", "offer"), OFFERS.values(), ids=OFFERS)
def test_offer(asks: Client, offer: Offer) -> None:
    assert decide(asks, "netboot", "", ROOT, SERVER) == offer


VERDICTS = {
    "unknown machine": (None, False, "unknown", "no guest or machine of ours"),
    "machine without install": (None, True, "disk", "no install is asked for"),
    "planned": (replace(RUNNING, stage=Stage.PLANNED), True, "netboot", "install i1 is planned"),
    "booting": (RUNNING, True, "netboot", "install i1 is booting"),
    "loading": (replace(RUNNING, stage=Stage.LOADING), True, "netboot", "install i1 is loading"),
    "answer served": (
        replace(RUNNING, stage=Stage.INSTALLING, answered=NOON),
        True,
        "disk",
        "the answer file of install i1 was served",
    ),
    "installed": (
        replace(RUNNING, stage=Stage.INSTALLED, answered=NOON),
        True,
        "disk",
        "install i1 is installed",
    ),
    "failed": (replace(RUNNING, stage=Stage.FAILED), True, "disk", "install i1 is failed"),
    "cancelled": (replace(RUNNING, stage=Stage.CANCELLED), True, "disk", "install i1 is cancelled"),
}


@pytest.mark.parametrize(("install", "known", "expected", "why"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(install: Install | None, known: bool, expected: str, why: str) -> None:
    result, reason = verdict(install, known)

    assert result == expected
    assert why in reason


@pytest.mark.parametrize("stage", Stage)
def test_a_machine_netboots_exactly_while_its_install_does_not_boot_the_disk(stage: Stage) -> None:
    for answered in (None, NOON):
        install = replace(RUNNING, stage=stage, answered=answered)

        assert (refusal(*verdict(install, known=True)) is None) == (not install.boots_disk)


def test_every_client_of_a_refused_machine_gets_the_same_words() -> None:
    for asks, _ in OFFERS.values():
        assert decide(asks, "disk", "it is done", ROOT, SERVER) == Ignore("boot your disk: it is done")
        assert decide(asks, "unknown", "who is that", ROOT, SERVER) == Ignore("who is that")


def test_a_boot_file_over_127_bytes_is_never_offered() -> None:
    asks = client(0, ipxe=True)
    fits = "http://" + "h" * (127 - len("http://") - len("/boot/ipxe"))

    assert isinstance(decide(asks, "netboot", "", fits, SERVER), Offer)
    refused = decide(asks, "netboot", "", fits + "h", SERVER)
    assert isinstance(refused, Ignore)
    assert "has 128 bytes; 127 fit" in refused.reason
