"""Names of loaders: which firmware asks for them, which files they are elsewhere, who starts whom."""

from collections.abc import Callable

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.firmware import ALL, FIRMWARES, LOADERS
from provisioner.core.loaders import (
    SEARCH,
    Generation,
    LoaderFile,
    Signer,
    check_name,
    given,
    machine_for,
    name_for,
    quarrel,
    users,
)

TAKERS = [row.name for row in FIRMWARES if row.loaders]


def test_every_name_of_the_firmware_table_is_searched_for_and_used() -> None:
    assert set(SEARCH) == set(ALL)
    assert all(users(name) for name in ALL)
    assert all(SEARCH[name].apt and SEARCH[name].dnf for name in LOADERS)


@pytest.mark.parametrize("firmware", TAKERS)
def test_every_firmware_says_what_its_programs_are_made_for(firmware: str) -> None:
    assert all(machine_for(name, firmware) for name in given(firmware))


def test_the_network_grub_goes_before_those_for_disks() -> None:
    files = SEARCH["grubx64.efi"].files

    assert files[0] == "x86_64-efi-signed/grubnetx64.efi.signed"
    assert "x86_64-efi-signed/grubx64.efi.signed" not in files


NAMES = {
    ("grubnetx64.efi.signed", "uefi"): "grubx64.efi",
    ("shimx64.efi.signed", "uefi-http"): "shimx64.efi",
    ("snponly.efi", "uefi-arm64"): "snponly-arm64.efi",
    ("ipxe-arm64.efi", "uefi-arm64"): "snponly-arm64.efi",
    ("ldlinux.c32", "bios"): "ldlinux.c32",
    ("undionly.kpxe", "bios"): "undionly.kpxe",
}


@pytest.mark.parametrize(("file", "firmware"), NAMES)
def test_a_distributions_name_is_one_of_ours(file: str, firmware: str) -> None:
    assert name_for(file, firmware) == NAMES[file, firmware]


WRONG: dict[str, tuple[Callable[[str, str], str], str, str]] = {
    "none of the names that uefi firmware asks for: snponly.efi": (name_for, "ipxe.efi", "uefi"),
    "'uefi-ebc' is no firmware that takes a loader; known are bios": (name_for, "x", "uefi-ebc"),
    "is given to bios firmware, not to uefi": (machine_for, "undionly.kpxe", "uefi"),
    "loader name 'x/../y' is not usable": (machine_for, "x/../y", "uefi"),
}


@pytest.mark.parametrize("words", WRONG)
def test_names_and_firmware_that_are_wrong_are_one_sentence(words: str) -> None:
    call, name, firmware = WRONG[words]

    with pytest.raises(Invalid, match=words):
        call(name, firmware)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "a\nb", "ü", "x" * 65, "-x"]
)
def test_names_that_no_firmware_may_ask_for(name: str) -> None:
    with pytest.raises(Invalid):
        check_name(name)


SHIM = LoaderFile(
    "shimx64.efi",
    (),
    "/s",
    signers=(Signer("", "Microsoft"),),
    trusts=("Debian CA",),
    revokes=(Generation("grub", 5),),
)
GRUB = LoaderFile("grubx64.efi", (), "/g", signers=(Signer("s", "Debian CA"),), sbat=(Generation("grub", 5),))
PAIRS = {
    "good": (SHIM, GRUB, ""),
    "by hash or key of the machine": (LoaderFile("s", (), signers=SHIM.signers), GRUB, ""),
    "an unsigned GRUB": (SHIM, LoaderFile("grubx64.efi", (), "/g"), "grubx64.efi (/g) is not signed"),
    "an unsigned shim": (LoaderFile("shimx64.efi", (), "/s"), GRUB, "shimx64.efi (/s) is not signed"),
    "another distribution's": (
        SHIM,
        LoaderFile("grubx64.efi", (), "/g", signers=(Signer("s", "Fedora CA"),)),
        "shimx64.efi trusts Debian CA, and grubx64.efi is signed by Fedora CA",
    ),
    "revoked": (
        SHIM,
        LoaderFile("grubx64.efi", (), "/g", signers=GRUB.signers, sbat=(Generation("grub", 4),)),
        "shimx64.efi refuses grub below 5, and grubx64.efi has 4",
    ),
}


@pytest.mark.parametrize("row", PAIRS)
def test_whom_a_shim_starts(row: str) -> None:
    shim, grub, why = PAIRS[row]

    assert quarrel(shim, grub) == why
