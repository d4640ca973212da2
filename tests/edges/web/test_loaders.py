"""Loaders over HTTP: taken whole or not at all, told with who signed them, removed where they were added."""

from typing import Any

import pytest

from provisioner.core.firmware import ALL
from tests import pe_files
from tests.edges.web.test_storage import put
from tests.edges.web.world import World

LOADERS = "/api/v1/loaders"
GRUB = f"{LOADERS}/grubx64.efi?firmware=uefi"


async def test_loaders_come_and_go(world: World) -> None:
    _, before, _ = await world.ask("GET", LOADERS)
    assert {row["name"] for row in before} == set(ALL)
    assert {row["path"] for row in before} == {""}

    status, added = await put(world, GRUB, pe_files.grub())
    assert (status, added["own"], added["machine"], added["size"]) == (201, True, "x64", len(pe_files.grub()))
    assert added["signers"] == [
        {"subject": "Debian Secure Boot Signer 2022 - grub2", "issuer": "Debian Secure Boot CA"}
    ]
    assert added["sbat"][1] == {"component": "grub", "generation": 5}
    assert added in (await world.ask("GET", LOADERS))[1]

    status, problem = await put(world, GRUB, pe_files.grub())
    assert (status, problem["detail"]) == (409, "a loader grubx64.efi was added before")
    assert (await world.ask("DELETE", f"{LOADERS}/grubx64.efi"))[1] == {
        "done": "loader grubx64.efi is removed"
    }
    assert (await world.ask("GET", LOADERS))[1] == before


X64 = pe_files.pe()
WRONG: list[tuple[str, str, bytes, int, str]] = [
    ("PUT", "grubx64.efi", X64, 422, "which firmware the loader is for is not said"),
    ("PUT", "grubx64.efi?firmware=toaster", X64, 422, "'toaster' is no firmware that takes a loader"),
    (
        "PUT",
        "grubx64.efi?firmware=uefi-arm64",
        X64,
        422,
        "grubx64.efi is given to uefi or uefi-http firmware",
    ),
    (
        "PUT",
        "grubaa64.efi?firmware=uefi-arm64",
        X64,
        422,
        "grubaa64.efi is refused: it is an EFI program for x64",
    ),
    ("PUT", "a%2fb?firmware=uefi", X64, 422, "loader name 'a/b' is not usable"),
    ("PUT", "..%2fb?firmware=uefi", X64, 422, "is not usable"),
    ("PUT", ".b?firmware=uefi", X64, 422, "loader name '.b' is not usable"),
    ("PUT", "x?firmware=uefi&name=y", X64, 422, "query parameter 'name' is not known here"),
    ("PUT", "undionly.kpxe?firmware=bios", b"#!ipxe\n" * 20, 422, "undionly.kpxe is refused: it is text"),
    ("DELETE", "none.efi", b"", 404, "there is no loader 'none.efi'"),
    ("DELETE", "..%2f..%2fetc%2fpasswd", b"", 404, "there is no loader '../../etc/passwd'"),
]


@pytest.mark.parametrize(("method", "path", "data", "status", "words"), WRONG)
async def test_what_is_wrong_is_one_sentence(
    world: World, method: str, path: str, data: bytes, status: int, words: str
) -> None:
    url = f"{LOADERS}/{path}"
    got: Any = await put(world, url, data) if method == "PUT" else (await world.ask(method, url))[:2]

    assert (got[0], words in got[1]["detail"]) == (status, True), got
    assert "\n" not in got[1]["detail"]
    folder = world.services.state_dir.parent / "loaders"
    assert not folder.exists() or list(folder.iterdir()) == []
