"""The proof of KVM, made with a kernel of two sectors: what it says, and that nothing of it stays."""

import asyncio
from pathlib import Path

import pytest

from provisioner.hypervisor import kvm
from provisioner.hypervisor.connection import LibvirtHost
from tests.edges.hypervisor.kernel import write_kernel

URI = "qemu:///system"


@pytest.fixture
def initrd(folder: Path) -> Path:
    file = folder / "initrd"
    file.write_bytes(b"initrd" * 100)
    return file


async def leftovers(system: LibvirtHost, folder: Path) -> list[str]:
    domains = [
        domain.name for domain in await system.domains() if domain.name.startswith("provisioner-proof")
    ]
    return domains + [str(path) for path in folder.glob("**/proof-*")]


async def test_a_kernel_that_speaks_is_a_proof(system: LibvirtHost, folder: Path, initrd: Path) -> None:
    kernel = write_kernel(folder / "kernel", b"\r\n" + kvm.WORD + b"\r\n")
    empty = folder / "work"
    empty.mkdir(mode=0o700)

    works, why = await kvm.prove(URI, kernel, initrd, empty, 60, virt_type="qemu")

    assert works, why
    assert why.startswith("a kernel booted under emulation in ")
    assert await leftovers(system, folder) == []


async def test_a_kernel_that_hangs_is_none_and_its_last_line_is_told(
    system: LibvirtHost, folder: Path, initrd: Path
) -> None:
    kernel = write_kernel(folder / "kernel", b"\r\nProbing EDD\r\n")

    works, why = await kvm.prove(URI, kernel, initrd, folder, 3, virt_type="qemu")

    assert (works, why) == (
        False,
        "a kernel under emulation did not come up within 3 seconds; its last line was 'Probing EDD'",
    )
    assert await leftovers(system, folder) == []


async def test_a_cancelled_proof_leaves_nothing(system: LibvirtHost, folder: Path, initrd: Path) -> None:
    kernel = write_kernel(folder / "kernel", b"\r\n")

    task = asyncio.create_task(kvm.prove(URI, kernel, initrd, folder, 60, virt_type="qemu"))
    async with asyncio.timeout(60):
        while not await leftovers(system, folder):
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await leftovers(system, folder) == []


async def test_without_a_device_the_answer_is_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "kvm"
    monkeypatch.setattr(kvm, "_KVM", missing)

    assert await kvm.prove(URI, tmp_path / "k", tmp_path / "i", tmp_path) == (
        False,
        f"there is no {missing} on this machine",
    )


async def test_without_a_kernel_the_answer_is_no(tmp_path: Path) -> None:
    assert await kvm.prove(URI, tmp_path / "k", tmp_path / "i", tmp_path, virt_type="qemu") == (
        False,
        f"no kernel can be tried without {tmp_path / 'k'}",
    )


TOLD = {
    "internal error: process exited while connecting to monitor: 2026-11-26T09:59:45.533939Z "
    "qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69\nqemu-system-x86_64: "
    "../../target/i386/kvm/kvm.c:3183: kvm_buf_set_msrs: Assertion `ret == nmsrs' failed.": (
        "QEMU says: failed to set MSR 0x10a to 0x69"
    ),
    "internal error: qemu-system-x86_64: Could not access KVM kernel module: Permission denied": (
        "QEMU says: Could not access KVM kernel module: Permission denied"
    ),
    "Failed to connect socket\nto '/x': No such file": "Failed to connect socket to '/x': No such file",
}


@pytest.mark.parametrize("told", TOLD)
def test_what_matters_of_an_error_is_told(told: str) -> None:
    assert kvm.cause(told) == TOLD[told]


async def test_a_host_that_does_not_answer_is_a_no(tmp_path: Path) -> None:
    kernel = write_kernel(tmp_path / "kernel", b"")

    works, why = await kvm.prove(
        "qemu+unix:///system?socket=/nonexistent", kernel, kernel, tmp_path, virt_type="qemu"
    )

    assert not works
    assert why.startswith("the proof could not be made: ")
    assert "\n" not in why
