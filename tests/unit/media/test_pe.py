"""What PE files say of themselves: of our own making, of this host's packages, and damaged in every place."""

import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.loaders import Generation, Signer
from provisioner.media import pe, program
from tests import pe_files

MICROSOFT = Signer("Microsoft Windows UEFI Driver Publisher", "Microsoft Corporation UEFI CA 2011")
SHIM, GRUB = Path("/usr/lib/shim/shimx64.efi.signed"), Path("/usr/lib/grub/x86_64-efi-signed")
GRUBNET = GRUB / "grubnetx64.efi.signed"


def test_a_shim_tells_who_signed_it_whom_it_trusts_and_what_it_refuses() -> None:
    found = pe.read(pe_files.shim())

    assert (found.machine, found.application, found.signers) == ("x64", True, (MICROSOFT,))
    assert found.sbat == (Generation("sbat", 1), Generation("shim", 4))
    assert found.trusts == ("Debian Secure Boot CA",)
    assert found.revokes == (Generation("sbat", 1), Generation("shim", 4), Generation("grub", 5))


def test_two_signatures_are_two_signers() -> None:
    both = [pe_files.signature("a", "A"), pe_files.signature("b", "B")]

    assert pe.read(pe_files.pe(signatures=both)).signers == (Signer("a", "A"), Signer("b", "B"))


def test_a_signer_whose_certificate_is_not_there_is_known_by_its_issuer() -> None:
    for one in (pe_files.signature("a", "A", held=False), pe_files.signature("a", "A", serial=8)):
        assert pe.read(pe_files.pe(signatures=[one])).signers == (Signer("", "A"),)


def test_certificates_in_signature_lists() -> None:
    lists = pe_files.signature_list(pe_files.certificate("one", "x"), pe_files.certificate("two", "x"))

    assert pe.read(pe_files.pe(sections={".vendor_cert": pe_files.vendor(lists)})).trusts == ("one", "two")


SBAT = {
    "nothing": (b"", ()),
    "padded": (b"a,1\n" + bytes(500), (Generation("a", 1),)),
    "no number": (b"a,b\nc\nd,-1\ne, 2 \n,3\n", (Generation("e", 2),)),
    "no text": (b"\xff\xfe\x00,1\n\x1b[31m,4\n", ()),
    "a number too large": (b"a," + b"9" * 5000, ()),
}


@pytest.mark.parametrize("row", SBAT)
def test_lines_of_sbat(row: str) -> None:
    text, generations = SBAT[row]

    assert pe.read(pe_files.pe(sections={".sbat": text or b"\0"})).sbat == generations


BAD = {
    "empty": (b"", "does not begin with MZ"),
    "a word": (b"MZ", "cut off"),
    "no PE header": (b"MZ" + bytes(200), "has no PE header"),
    "half": (pe_files.shim()[:300], "cut off"),
    "no signature": (pe_files.pe(signatures=[b"\x30\x03\x02\x01\x01"]), "signature is not laid out"),
    "another PKCS": (pe_files.pe(signatures=[pe_files.der(0x30, pe_files.der(6, b"x"))]), "not known"),
    "an endless length": (pe_files.pe(signatures=[b"\x30\x84\xff\xff\xff\xff"]), "ends in the middle"),
    "an indefinite length": (pe_files.pe(signatures=[b"\x30\x80\0\0"]), "a length that is not understood"),
}


@pytest.mark.parametrize("row", BAD)
def test_what_is_damaged_is_one_sentence(row: str) -> None:
    content, words = BAD[row]

    with pytest.raises(Invalid, match=words):
        pe.read(content)


def test_cut_off_anywhere_it_is_a_value_or_one_error() -> None:
    whole = pe_files.shim()
    for size in range(len(whole)):
        try:
            pe.read(whole[:size])
        except Invalid as error:
            assert "\n" not in str(error)


@pytest.mark.skipif(not SHIM.is_file(), reason="shim-signed is not installed")
def test_debians_shim() -> None:
    found = pe.read(SHIM.read_bytes())

    assert found.machine == "x64" and found.trusts == ("Debian Secure Boot CA",)
    assert {signer.issuer for signer in found.signers} & {MICROSOFT.issuer, "Microsoft UEFI CA 2023"}
    assert {row.component for row in found.sbat} >= {"sbat", "shim", "shim.debian"}
    assert {row.component for row in found.revokes} >= {"shim", "grub"}


@pytest.mark.skipif(not GRUBNET.is_file(), reason="grub-efi-amd64-signed is not installed")
@pytest.mark.parametrize("file", sorted(GRUB.glob("*.signed")), ids=lambda path: path.name)
def test_debians_grub(file: Path) -> None:
    found = pe.read(file.read_bytes())

    assert [signer.issuer for signer in found.signers] == ["Debian Secure Boot CA"]
    assert {row.component for row in found.sbat} >= {"sbat", "grub", "grub.debian"}


@pytest.mark.skipif(not GRUBNET.is_file() or not shutil.which("openssl"), reason="no GRUB or no openssl")
def test_openssl_names_the_same_signer(tmp_path: Path) -> None:
    """The certificate table begins where the data directory says; openssl reads what is behind its head."""
    content = GRUBNET.read_bytes()
    at = content.rindex(bytes.fromhex("2a864886f70d010702")) - 6
    (tmp_path / "p7").write_bytes(content[at:])
    argv = ["openssl", "pkcs7", "-inform", "DER", "-in", str(tmp_path / "p7"), "-print_certs", "-noout"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    (signer,) = pe.read(content).signers

    assert f"CN = {signer.subject}" in said and f"CN = {signer.issuer}" in said


MACHINES = {
    "/usr/lib/ipxe/undionly.kpxe": "bios",
    "/usr/lib/ipxe/snponly.efi": "x64",
    "/usr/lib/PXELINUX/lpxelinux.0": "bios",
    "/usr/lib/PXELINUX/pxelinux.0": "bios",
    "/usr/lib/syslinux/modules/bios/ldlinux.c32": "bios module",
}


@pytest.mark.parametrize("path", MACHINES)
def test_what_this_hosts_loaders_are_made_for(path: str) -> None:
    if not Path(path).is_file():
        pytest.skip("its package is not installed")

    program.check(Path(path).read_bytes(), MACHINES[path])


NO_PROGRAM = {
    "text": (b"#!ipxe\n" * 100, "bios", "it is text"),
    "zeros": (bytes(4096), "bios", "begins with zeros"),
    "nothing": (b"", "bios", "it is empty"),
    "packed": (b"\x1f\x8b" + bytes(range(200)), "bios", "packed with gzip; unpack it first"),
    "a disk": (b"\xeb\x63\x90" + bytes(700_000), "bios", "too large for a BIOS"),
    "another ELF": (
        b"\x7fELF\2\1\1" + bytes(11) + b"\x3e\0" + bytes(40),
        "bios",
        "an ELF file for processor 62",
    ),
    "half an ELF": (b"\x7fELF", "ppc64", "it is cut off"),
    "EFI for a BIOS": (
        pe_files.pe(),
        "bios",
        "it is an EFI program for x64, and a program for BIOS is needed",
    ),
    "BIOS for EFI": (b"\xea\x05\0\xc0\7" * 100, "x64", "a program for BIOS, and an EFI program for x64"),
    "another processor": (pe_files.pe(), "arm64", "for x64, and an EFI program for arm64 is needed"),
    "a driver": (pe_files.pe(subsystem=11), "x64", "it is an EFI driver"),
}


@pytest.mark.parametrize("row", NO_PROGRAM)
def test_what_firmware_could_not_start(row: str) -> None:
    content, machine, words = NO_PROGRAM[row]

    with pytest.raises(Invalid, match=words):
        program.check(content, machine)
