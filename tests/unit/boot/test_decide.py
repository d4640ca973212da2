"""One verdict for a machine, and the one offer that follows from it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioner.boot.client import Client, Ignore
from provisioner.boot.decide import OTHER_TREE, Offer, decide, refusal, verdict
from provisioner.core.firmware import ALL, FIRMWARES, Dialect, by_code
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
    assert decide(asks, "netboot", "", ROOT, SERVER, ALL) == offer


# By code and dialect: the file by TFTP or the path by HTTP. All but 0, 7, 9, 11, 16 and 19 are constructed.
FILES: dict[tuple[int, Dialect], str] = {
    (0, "pxelinux"): "lpxelinux.0",
    (6, "ipxe"): "snponly-ia32.efi",
    (6, "grub"): "shimia32.efi",
    (7, "grub"): "shimx64.efi",
    (9, "grub"): "shimx64.efi",
    (10, "ipxe"): "snponly-arm32.efi",
    (10, "grub"): "shimarm.efi",
    (11, "ipxe"): "snponly-arm64.efi",
    (11, "grub"): "shimaa64.efi",
    (12, "grub"): "grubppc64.elf",
    (15, "ipxe"): f"{ROOT}/boot/snponly-ia32.efi",
    (15, "grub"): f"{ROOT}/boot/shimia32.efi",
    (16, "grub"): f"{ROOT}/boot/shimx64.efi",
    (18, "ipxe"): f"{ROOT}/boot/snponly-arm32.efi",
    (18, "grub"): f"{ROOT}/boot/shimarm.efi",
    (19, "ipxe"): f"{ROOT}/boot/snponly-arm64.efi",
    (19, "grub"): f"{ROOT}/boot/shimaa64.efi",
    (0x1B, "ipxe"): "snponly-riscv64.efi",
    (0x1B, "grub"): "shimriscv64.efi",
    (0x1C, "ipxe"): f"{ROOT}/boot/snponly-riscv64.efi",
    (0x1C, "grub"): f"{ROOT}/boot/shimriscv64.efi",
    (0x27, "ipxe"): "snponly-loong64.efi",
    (0x27, "grub"): "shimloongarch64.efi",
    (0x28, "ipxe"): f"{ROOT}/boot/snponly-loong64.efi",
    (0x28, "grub"): f"{ROOT}/boot/shimloongarch64.efi",
}


@pytest.mark.parametrize(("code", "dialect"), FILES)
def test_each_firmware_is_offered_the_loader_of_its_dialect(code: int, dialect: Dialect) -> None:
    offer = decide(client(code), "netboot", "", ROOT, SERVER, ALL, dialect)

    assert isinstance(offer, Offer)
    assert offer.file == FILES[code, dialect]


def test_every_row_of_the_table_is_named_here() -> None:
    rows = {(code, dialect) for row in FIRMWARES for code in row.codes for dialect in row.loaders}

    assert rows == {*FILES, (0, "ipxe"), (7, "ipxe"), (9, "ipxe"), (16, "ipxe")}


def test_without_a_shim_grub_itself_is_offered() -> None:
    offer = decide(client(11), "netboot", "", ROOT, SERVER, {"grubaa64.efi"}, "grub")

    assert isinstance(offer, Offer)
    assert offer.file == "grubaa64.efi"


def test_an_ipxe_rom_is_offered_another_loader_where_one_is_asked_for() -> None:
    offer = decide(client(0, ipxe=True), "netboot", "", ROOT, SERVER, ALL, "pxelinux")

    assert offer == Offer("lpxelinux.0", SERVER, "PXEClient", True)


# By code and dialect: why there is nothing, and what helps.
LACKING: dict[str, tuple[int, Dialect, Ignore]] = {
    "a loader that is not here": (
        11,
        "ipxe",
        Ignore(
            "there is no snponly-arm64.efi here for uefi-arm64 firmware",
            "provisioner loader add FILE takes one",
        ),
    ),
    "a dialect that the firmware has not": (
        7,
        "pxelinux",
        Ignore("uefi firmware has no pxelinux loader", "install it with --loader ipxe or grub"),
    ),
    "GRUB for a BIOS": (
        0,
        "grub",
        Ignore("bios firmware has no grub loader", "install it with --loader ipxe or pxelinux"),
    ),
}


@pytest.mark.parametrize(("code", "dialect", "told"), LACKING.values(), ids=LACKING)
def test_what_is_not_there_is_not_offered(code: int, dialect: Dialect, told: Ignore) -> None:
    have = {"snponly.efi", "undionly.kpxe"}

    assert decide(client(code), "netboot", "", ROOT, SERVER, have, dialect) == told


# By code and the tree's processor: the end of the refusal, "" where there is none.
PROCESSORS = {
    (0, "x86_64"): "",
    (0, "i386"): "",
    (0, "aarch64"): "bios firmware starts kernels of x86_64 or i386 alone",
    (6, "x86_64"): "",
    (7, "x86_64"): "",
    (7, ""): "",
    (7, "i386"): "uefi firmware starts kernels of x86_64 alone",
    (7, "aarch64"): "uefi firmware starts kernels of x86_64 alone",
    (16, "aarch64"): "uefi-http firmware starts kernels of x86_64 alone",
    (10, "aarch64"): "uefi-arm32 firmware starts kernels of arm or armhf alone",
    (11, "aarch64"): "",
    (11, "x86_64"): "uefi-arm64 firmware starts kernels of aarch64 alone",
    (12, "ppc64le"): "",
    (19, "x86_64"): "uefi-arm64-http firmware starts kernels of aarch64 alone",
    (0x1B, "riscv64"): "",
    (0x27, "x86_64"): "uefi-loongarch64 firmware starts kernels of loongarch64 alone",
}


@pytest.mark.parametrize(("code", "arch"), PROCESSORS)
def test_a_kernel_of_another_processor_is_not_started(code: int, arch: str) -> None:
    for dialect in client(code).firmware.loaders:
        answer = decide(client(code), "netboot", "", ROOT, SERVER, ALL, dialect, arch)

        if PROCESSORS[code, arch]:
            reason = f"its install is for {arch}, and {PROCESSORS[code, arch]}"
            assert answer == Ignore(reason, OTHER_TREE)
        else:
            assert isinstance(answer, Offer)


def test_an_ipxe_rom_of_another_processor_gets_no_script() -> None:
    asks = client(7, ipxe=True)

    assert isinstance(decide(asks, "netboot", "", ROOT, SERVER, ALL, "ipxe", "aarch64"), Ignore)


def test_every_firmware_that_is_given_a_loader_says_what_it_starts() -> None:
    assert all(row.starts for row in FIRMWARES if row.loaders)


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
        assert decide(asks, "disk", "it is done", ROOT, SERVER, ALL) == Ignore("boot your disk: it is done")
        assert decide(asks, "unknown", "who is that", ROOT, SERVER, ALL) == Ignore("who is that")


def test_a_boot_file_over_127_bytes_is_never_offered() -> None:
    asks = client(0, ipxe=True)
    fits = "http://" + "h" * (127 - len("http://") - len("/boot/ipxe"))

    assert isinstance(decide(asks, "netboot", "", fits, SERVER, ALL), Offer)
    refused = decide(asks, "netboot", "", fits + "h", SERVER, ALL)
    assert isinstance(refused, Ignore)
    assert "has 128 bytes; 127 fit" in refused.reason
