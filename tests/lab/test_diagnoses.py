"""Machines broken on purpose, booted for real: what they say on the serial line names the right diagnosis."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.core.install import Kind
from provisioner.media import mini
from provisioner.media.kernel import provide
from tests import broken
from tests.broken import CARD, MAC, NOWHERE, Bench, from_network
from tests.proofs import ANSWERED, LOADED, MADE, OFFERED, explained, proves, spoken

SECONDS = 180


@dataclass(frozen=True)
class Fault:
    """`machine` is QEMU's words for it; `before` how far its install came; `says` stands in the cause."""

    machine: Callable[[Bench], list[str]]
    before: Sequence[Kind]
    says: str
    tool: str = "qemu-system-x86_64"


EARLY: dict[str, Fault] = {
    "no-bootable-disk": Fault(lambda at: ["-m", "64"], MADE, "found nothing to start"),
    "boot-file-missing": Fault(
        lambda at: from_network(f"{at.web}/nothing"), OFFERED, "does not have the file"
    ),
    "script-refused": Fault(lambda at: from_network(f"{at.web}/refused"), OFFERED, "refused what iPXE asked"),
    "server-silent": Fault(lambda at: from_network(f"http://{broken.HOST}:1/x"), OFFERED, "no boot server"),
    "loader-other-processor": Fault(lambda at: from_network(f"{at.web}/arm"), OFFERED, "another processor"),
    "no-boot-offer": Fault(lambda at: from_network(""), MADE, "nobody offered one"),
    "no-address": Fault(lambda at: ["-m", "96", "-boot", "n", *NOWHERE], MADE, "no address"),
    "secure-boot-refused": Fault(lambda at: at.unsigned_loader(), MADE, "a program that is not signed"),
}
KERNELS: dict[str, Fault] = {
    "too-little-memory": Fault(lambda at: at.boot(memory=80), LOADED, "memory is not enough"),
    "no-root-filesystem": Fault(lambda at: at.boot(initrd=Path()), LOADED, "no root file system"),
    "initrd-broken": Fault(
        lambda at: at.boot(initrd=at.odd(at.initrd.read_bytes()[:400_000])), LOADED, "can unpack"
    ),
    "initrd-other-processor": Fault(
        lambda at: at.boot(initrd=broken.of_another_processor(at.folder)), LOADED, "for another processor"
    ),
    "kernel-and-initrd-differ": Fault(
        lambda at: at.boot(initrd=at.folder / "spoilt.zst"), LOADED, "two different trees"
    ),
    "processor-too-old": Fault(lambda at: at.boot(), LOADED, "x86-64 CPU", "qemu-system-i386"),
    "init-died": Fault(lambda at: at.boot("rdinit=/bin/busybox"), LOADED, "first program ended"),
}
INSTALLERS: dict[str, Fault] = {
    "no-network-card": Fault(lambda at: at.boot(), LOADED, "no network card"),
    "wrong-network-card": Fault(
        lambda at: [*at.boot("BOOTIF=01-52-54-00-99-99-99"), *NOWHERE], LOADED, "52:54:00:99:99:99"
    ),
    "no-address": Fault(
        lambda at: [*at.boot(f"BOOTIF=01-{MAC}"), *NOWHERE], LOADED, "no address by DHCP on eth0"
    ),
    "seed-missing": Fault(lambda at: [*at.boot(), *CARD], LOADED, "told of no kickstart"),
    "answer-file-unreachable": Fault(lambda at: at.installer("nothing.ks"), LOADED, "404 Not Found"),
    "answer-file-error": Fault(
        lambda at: at.installer("unknown.ks"), ANSWERED, "line 3 of its kickstart is wrong"
    ),
    "installer-stopped": Fault(lambda at: at.installer("good.ks", "ip=on-monday"), LOADED, "ip=on-monday"),
    "repository-unreachable": Fault(
        lambda at: at.installer("good.ks", f"inst.stage2={at.web}/away"), ANSWERED, "no readable .treeinfo"
    ),
    "clock-far-off": Fault(
        lambda at: [*at.installer("good.ks"), *at.disk(512), "-rtc", "base=2001-01-01"], ANSWERED, "2001-01-0"
    ),
    "no-disk": Fault(lambda at: at.installer("good.ks"), ANSWERED, "found no disk"),
    "disk-too-small": Fault(lambda at: [*at.installer("good.ks"), *at.disk(16)], ANSWERED, "too small"),
    "disk-not-empty": Fault(
        lambda at: [*at.installer("uncleared.ks"), *at.disk(512, bytes(510) + b"\x55\xaa" + b"x" * 5000)],
        ANSWERED,
        "disk vda holds something",
    ),
    "disk-broken": Fault(
        lambda at: [*at.installer("good.ks"), *at.worn_disk(512)], ANSWERED, "disk vda could not"
    ),
    "image-unreadable": Fault(
        lambda at: [*at.installer("unreadable.ks"), *at.disk(512)], ANSWERED, "unpacked"
    ),
    "bad-checksum": Fault(
        lambda at: [*at.installer("checksum.ks"), *at.disk(512)], ANSWERED, "SHA-256 is another"
    ),
    "script-failed": Fault(lambda at: at.installer("script.ks"), ANSWERED, "%pre script"),
    "kernel-panic": Fault(lambda at: at.installer("panic.ks"), ANSWERED, "sysrq triggered crash"),
}
GONE = Fault(lambda at: [*at.installer("gone.ks"), *at.disk(512)], ANSWERED, "nothing.tar.zst cannot be read")


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if not request.config.getoption("--every-cell"):
        pytest.skip("boots a machine for each fault: make e2e-full")
    state: Path = request.getfixturevalue("state")
    folder = state / "broken"
    folder.mkdir()
    kernel = provide(state / "cache")
    initrd = mini.packed(kernel, state / "cache")
    broken.of_another_kernel(kernel, folder).rename(folder / "spoilt.zst")
    with broken.offering(broken.files) as web:
        yield Bench(kernel.image, initrd, web, folder)


def named(bench: Bench, fault: Fault, wanted: str) -> None:
    """Boots it until its serial line is explained as wanted."""
    log = bench.folder / "serial.log"
    log.unlink(missing_ok=True)
    with broken.running(fault.machine(bench), log, fault.tool) as process:
        end = time.monotonic() + SECONDS
        while True:
            ended = process.poll() is not None
            said = log.read_text(errors="replace")
            why = explained(fault.before, spoken(said))
            if why.diagnosis == wanted and fault.says in why.cause:
                break
            assert not ended and time.monotonic() < end, f"{why.diagnosis}: {why.cause}\n{said[-3000:]}"
            time.sleep(0.2)
    assert why.remedy
    assert any(event.source == "console" for event in why.evidence)


@proves(
    *("no-bootable-disk", "boot-file-missing", "script-refused", "server-silent", "loader-other-processor"),
    *("no-boot-offer", "no-address", "secure-boot-refused"),
)
@pytest.mark.parametrize("name", EARLY)
def test_firmware_that_starts_nothing(bench: Bench, name: str) -> None:
    named(bench, EARLY[name], name)


@proves(
    *("too-little-memory", "no-root-filesystem", "initrd-broken", "initrd-other-processor"),
    *("kernel-and-initrd-differ", "processor-too-old", "init-died"),
)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_gets_no_further(bench: Bench, name: str) -> None:
    named(bench, KERNELS[name], name)


@proves(
    *("no-network-card", "wrong-network-card", "no-address", "seed-missing", "answer-file-unreachable"),
    *("answer-file-error", "installer-stopped", "repository-unreachable", "no-disk", "disk-too-small"),
    *("disk-not-empty", "disk-broken", "image-unreadable", "bad-checksum", "script-failed", "kernel-panic"),
    "clock-far-off",
)
@pytest.mark.parametrize("name", INSTALLERS)
def test_an_installer_that_gets_no_further(bench: Bench, name: str) -> None:
    named(bench, INSTALLERS[name], name)


@proves("repository-unreachable")
def test_an_image_that_is_gone(bench: Bench) -> None:
    named(bench, GONE, "repository-unreachable")
