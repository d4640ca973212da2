"""Names of loaders are looked up, however they are spelt, and lead nowhere else."""

import pytest

from provisioner.boot.loader import is_optional, pick

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


OPTIONAL = {
    "autoexec.ipxe": True,
    "/autoexec.ipxe": True,
    "EFI/debian/autoexec.ipxe": True,
    "revocations.efi": True,
    "revocations_sku.efi": True,
    "\\EFI\\BOOT\\revocations_sbat.efi": True,
    "shim_certificate.efi": True,
    "shim_certificate_0.efi": True,
    "SHIM_CERTIFICATE_9.EFI": True,
    "shim_certificate_0.efi/x": False,
    "grubx64.efi": False,
    "shimx64.efi": False,
    "snponly.efi": False,
    "autoexec.ipxe.txt": False,
    "": False,
}


@pytest.mark.parametrize(("name", "optional"), OPTIONAL.items(), ids=OPTIONAL)
def test_what_loaders_do_without(name: str, optional: bool) -> None:
    assert is_optional(name) is optional
