"""The doctor on Secure Boot: both programs there, signed, of one distribution, and not revoked."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.cli.probes import probe
from provisioner.cli.serve import load
from provisioner.core.loaders import Generation, LoaderFile, Signer
from provisioner.service.doctor import SECURE_BOOT, Verdict, examine
from tests import pe_files
from tests.unit.cli.test_doctor import GOOD

SHIM = LoaderFile(
    "shimx64.efi",
    ("uefi",),
    "/usr/lib/shim/shimx64.efi.signed",
    signers=(Signer("a publisher", "Microsoft Corporation UEFI CA 2011"),),
    sbat=(Generation("sbat", 1), Generation("shim", 4)),
    trusts=("Debian Secure Boot CA",),
    revokes=(Generation("grub", 5),),
)
GRUB = LoaderFile(
    "grubx64.efi",
    ("uefi",),
    "/usr/lib/grub/grubnetx64.efi.signed",
    signers=(Signer("a signer", "Debian Secure Boot CA"),),
    sbat=(Generation("sbat", 1), Generation("grub", 5)),
)
APT = ["apt-get install --no-install-recommends shim-signed grub-efi-amd64-signed"]
NO_SHIM, NO_GRUB = replace(SHIM, path=""), replace(GRUB, path="")
ROWS: dict[str, tuple[LoaderFile, LoaderFile, Verdict, str, list[str]]] = {
    "all is well": (
        SHIM,
        GRUB,
        "PASS",
        "/usr/lib/shim/shimx64.efi.signed (signed by Microsoft Corporation UEFI CA 2011; shim,4) starts "
        "/usr/lib/grub/grubnetx64.efi.signed (signed by Debian Secure Boot CA; grub,5); "
        "installed disks start too",
        [],
    ),
    "neither": (NO_SHIM, NO_GRUB, "WARN", "shimx64.efi and grubx64.efi not found: machines with Secure", APT),
    "no GRUB": (SHIM, NO_GRUB, "WARN", "grubx64.efi not found", APT),
    "an own GRUB that is not signed": (
        SHIM,
        replace(GRUB, signers=(), own=True),
        "WARN",
        "is not signed: machines with Secure Boot on will refuse it",
        [],
    ),
    "a revoked one": (
        SHIM,
        replace(GRUB, sbat=(Generation("grub", 4),)),
        "WARN",
        "shimx64.efi refuses grub below 5, and grubx64.efi has 4",
        APT,
    ),
    "a damaged one": (replace(SHIM, note="the file is cut off"), GRUB, "WARN", "the file is cut off", APT),
}


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row: str) -> None:
    shim, grub, verdict, words, commands = ROWS[row]

    facts = replace(GOOD, secure_boot=(shim, grub), secure_disks=True)
    found = {check.name: check for check in examine(facts)}["secure boot"]

    assert (found.verdict, list(map(shlex.join, found.commands))) == (verdict, commands)
    assert words in found.reason


def test_a_host_that_can_only_netboot_is_told_of_its_disks() -> None:
    found = {check.name: check for check in examine(replace(GOOD, secure_boot=(SHIM, GRUB)))}["secure boot"]

    assert (found.verdict, list(map(shlex.join, found.commands))) == ("WARN", APT)
    assert "what the mini installer installs does not start" in found.reason


def test_fedoras_packages_are_named_where_they_are_meant() -> None:
    facts = replace(GOOD, packages="dnf", secure_boot=(NO_SHIM, NO_GRUB))

    found = {check.name: check for check in examine(facts)}["secure boot"]

    assert found.commands == (("dnf", "install", "shim-x64", "grub2-efi-x64"),)


def test_what_was_added_is_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "loaders"
    folder.mkdir()
    (folder / "shimx64.efi").write_bytes(pe_files.shim())
    (folder / "grubx64.efi").write_bytes(pe_files.grub("Another CA"))
    settings = load(state_dir=tmp_path, libvirt_uri="test:///default", interfaces=["lo"])

    facts = probe(settings, prove=False, say=lambda line: None)

    assert tuple(file.name for file in facts.secure_boot) == SECURE_BOOT
    found = {check.name: check for check in examine(facts)}["secure boot"]
    assert "shimx64.efi trusts Debian Secure Boot CA, and grubx64.efi is signed by Another CA" in found.reason


@pytest.mark.parametrize(
    ("grub", "verdict", "words"),
    [
        ("Debian Secure Boot CA", "PASS", "centos7/grubx64.efi (signed by Debian Secure Boot CA; grub,5"),
        (
            "Another CA",
            "WARN",
            "grubx64.efi is signed by Another CA: machines with Secure Boot on will refuse",
        ),
    ],
)
def test_what_was_fetched_of_a_tree_is_looked_at(
    tmp_path: Path, grub: str, verdict: Verdict, words: str
) -> None:
    for tree, files in {
        "centos7": {"shimx64.efi": pe_files.shim(), "grubx64.efi": pe_files.grub(grub), "kernel": b"MZ"},
        "alone": {"shimx64.efi": pe_files.shim()},
        "debian13": {"kernel": b"MZ", "initrd": b"x"},
    }.items():
        for name, content in files.items():
            place = tmp_path / "boot" / tree / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    settings = load(state_dir=tmp_path, libvirt_uri="test:///default", interfaces=["lo"])

    facts = probe(settings, prove=False, say=lambda line: None)

    found = {check.name: check for check in examine(facts) if check.name.startswith("tree ")}
    assert list(found) == ["tree centos7"]
    assert found["tree centos7"].verdict == verdict
    assert words in found["tree centos7"].reason
