"""Names of loaders are looked up, however they are spelt, and lead nowhere else."""

import pytest

from provisioner.boot.loader import pick

SHELF = {"undionly.kpxe": b"bios", "snponly.efi": b"efi"}


@pytest.mark.parametrize("name", ["snponly.efi", "/snponly.efi", "////snponly.efi", "\\snponly.efi"])
def test_spellings(name: str) -> None:
    assert pick(name, SHELF) == b"efi"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        ".",
        "..",
        "../snponly.efi",
        "./snponly.efi",
        "x/../snponly.efi",
        "..\\..\\snponly.efi",
        "%2e%2e/snponly.efi",
        "/etc/passwd",
        "//etc//passwd",
        "snponly.efi/",
        "snponly.efi\0.txt",
        "SNPONLY.EFI",
        "autoexec.ipxe",
        "C:\\snponly.efi",
    ],
)
def test_anything_else_is_not_here(name: str) -> None:
    assert pick(name, SHELF) is None
