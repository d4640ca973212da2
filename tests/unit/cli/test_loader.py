"""`provisioner loader` on the command line: what is asked, what is printed, what is refused and how."""

import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioner.cli.root import cli
from tests import pe_files
from tests.unit.cli.conftest import Provisioner, misused, told_once
from tests.unit.cli.fake import FakeService, Problem

GRUB: dict[str, Any] = {
    "name": "grubx64.efi",
    "firmware": ["uefi", "uefi-http"],
    "path": "/var/lib/provisioner/loaders/grubx64.efi",
    "own": True,
    "package": "",
    "size": 3_843_520,
    "sha256": "0123456789abcdef" * 4,
    "machine": "x64",
    "signers": [{"subject": "a signer", "issuer": "Debian Secure Boot CA"}],
    "sbat": [
        {"component": "sbat", "generation": 1},
        {"component": "grub", "generation": 5},
        {"component": "grub.debian", "generation": 5},
    ],
    "trusts": [],
    "revokes": [],
    "note": "",
}
IPXE = {
    **GRUB,
    "name": "undionly.kpxe",
    "firmware": ["bios"],
    "path": "/usr/lib/ipxe/undionly.kpxe",
    "own": False,
    "package": "ipxe",
    "size": 74213,
    "machine": "bios",
    "signers": [],
    "sbat": [],
}
SHIM = {**IPXE, "name": "shimx64.efi", "path": "", "package": "shim-signed", "size": 0, "sha256": ""}
ARM = {**SHIM, "name": "shimarm.efi", "package": ""}
LIST = [
    "NAME           FIRMWARE           SIZE  SHA256        SIGNED BY              SBAT                  FILE",
    "grubx64.efi    uefi, uefi-http  3.8 MB  0123456789ab  Debian Secure Boot CA  grub,5 grub.debian,5  "
    "/var/lib/provisioner/loaders/grubx64.efi (added)",
    "undionly.kpxe  bios            74.2 kB  0123456789ab  -                      -                     "
    "/usr/lib/ipxe/undionly.kpxe (ipxe)",
    "shimx64.efi    bios                  -  -             -                      -                     "
    "missing; package shim-signed brings it",
    "shimarm.efi    bios                  -  -             -                      -                     "
    "missing",
]


def test_the_list(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /loaders": [GRUB, IPXE, SHIM, ARM]}

    ran = provisioner("loader", "list")

    assert (ran.code, [line.split() for line in ran.out.splitlines()]) == (0, [line.split() for line in LIST])


ADDED = {
    "the file's name tells": ("grubnetx64.efi.signed", "uefi", "", "grubx64.efi"),
    "it is said": ("mine", "uefi", "grubx64.efi", "grubx64.efi"),
    "a name of one's own": ("mmx64.efi.signed", "uefi", "mmx64.efi", "mmx64.efi"),
}


@pytest.mark.parametrize("row", ADDED)
def test_add(service: FakeService, provisioner: Provisioner, tmp_path: Path, row: str) -> None:
    file, firmware, name, asked = ADDED[row]
    (tmp_path / file).write_bytes(pe_files.grub())
    service.replies = {f"PUT /loaders/{asked}": GRUB}

    said = ("--name", name) if name else ()
    ran = provisioner("loader", "add", str(tmp_path / file), "--firmware", firmware, *said)

    assert (service.last().body, service.last().query) == (pe_files.grub(), {"firmware": firmware})
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "name       grubx64.efi",
            "firmware   uefi, uefi-http",
            "file       /var/lib/provisioner/loaders/grubx64.efi",
            "made for   x64",
            "size       3.8 MB",
            f"sha256     {GRUB['sha256']}",
            "signed by  a signer (Debian Secure Boot CA)",
            "SBAT       grub,5 grub.debian,5",
        ],
    )


def test_remove(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"DELETE /loaders/grubx64.efi": {"done": "x"}}

    assert provisioner("loader", "remove", "grubx64.efi").code == 0
    assert service.last().method == "DELETE"


BAD: list[tuple[str, dict[str, Any]]] = [
    ("list", {"GET /loaders": Problem(503, "the folder is away")}),
    ("add /etc/hostname --firmware uefi", {}),
    ("add /etc/hostname --firmware toaster", {}),
    ("add /etc/hostname --firmware uefi --name a/b", {}),
    ("add /etc/hostname --firmware uefi --name undionly.kpxe", {}),
    (
        "add /etc/hostname --firmware uefi --name x.efi",
        {"PUT /loaders/x.efi": Problem(422, "x.efi is refused: it is text, not a program")},
    ),
    ("remove nothing", {}),
]


@pytest.mark.parametrize(("words", "replies"), BAD, ids=[row[0] for row in BAD])
def test_bad(service: FakeService, provisioner: Provisioner, words: str, replies: dict[str, Any]) -> None:
    service.replies = replies

    told_once(provisioner("loader", *words.split()))


@pytest.mark.parametrize("words", ["add", "add /etc/hostname", "add /nowhere --firmware uefi", "remove"])
def test_usage(service: FakeService, provisioner: Provisioner, words: str) -> None:
    misused(provisioner("loader", *words.split()), service)


COMPLETED = {
    "loader remove ": ["grubx64.efi"],
    "loader add x --firmware uefi-a": [
        *("uefi-arm64", "uefi-arm64-http", "uefi-arm32", "uefi-arm32-http"),
    ],
}


@pytest.mark.parametrize("words", COMPLETED)
def test_completion(service: FakeService, words: str) -> None:
    service.replies = {"GET /loaders": [GRUB, IPXE]}
    environment = {
        "_PROVISIONER_COMPLETE": "bash_complete",
        "COMP_WORDS": f"provisioner {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }

    ran = CliRunner().invoke(cli, [], env=os.environ | environment, prog_name="provisioner")

    assert [line.removeprefix("plain,") for line in ran.output.splitlines()] == COMPLETED[words]
