"""Machines that are no guests: QEMU started here, as if somebody had switched hardware on."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.networks import run
from tests.lab.service import Service, until

HTTP_ONLY = tuple(f"name=opt/org.tianocore/IPv{version}PXESupport,string=n" for version in "46")
"""HTTP Boot stands behind both in the firmware's order."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Board:
    """An emulator with what makes it this kind of machine, and its firmware: program and variables.

    Secure Boot is on where the variables hold Microsoft's keys.
    """

    tool: str
    words: tuple[str, ...]
    code: Path
    variables: Path

    def missing(self) -> str:
        """What this host lacks for it, "" for nothing."""
        lacks = [str(file) for file in (self.code, self.variables) if not file.is_file()]
        return ", ".join([*([] if shutil.which(self.tool) else [self.tool]), *lacks])


def _x64(machine: str, ending: str, *more: str) -> Board:
    words = ("-machine", machine, "-accel", "tcg", "-cpu", "qemu64,-cx16", *more)
    place = Path("/usr/share/OVMF")
    return Board(
        "qemu-system-x86_64", words, place / f"OVMF_CODE_4M{ending}", place / f"OVMF_VARS_4M{ending}"
    )


def _arm64(ending: str) -> Board:
    words = ("-machine", "virt,gic-version=2", "-cpu", "cortex-a57")
    place = Path("/usr/share/AAVMF")
    return Board("qemu-system-aarch64", words, place / "AAVMF_CODE.fd", place / f"AAVMF_VARS{ending}")


X64 = _x64("q35", ".fd")
X64_SECURE = _x64("q35,smm=on", ".ms.fd", "-global", "driver=cfi.pflash01,property=secure,value=on")
ARM64, ARM64_SECURE = _arm64(".fd"), _arm64(".ms.fd")


class Machine:
    """A machine that is on. `log` is what it says on its serial line."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._begun = time.monotonic()
        self.log = log

    def said(self) -> str:
        assert self._process.poll() is None, "the emulator has ended"
        return self.log.read_text(errors="replace")

    def spent(self) -> str:
        """Seconds since it was switched on, and what the emulator used of the processor."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / _TICKS
        return f"{time.monotonic() - self._begun:.1f} s, {used:.1f} s of CPU"


@contextmanager
def machine(
    board: Board, place: Path, bridge: str, mac: str, environment: Mapping[str, str], *settings: str
) -> Iterator[Machine]:
    """Switched on; `place` holds its variables and log, `settings` are fw_cfg entries."""
    tap, variables, log = f"{bridge}hw", place / "vars.fd", place / "serial.log"
    place.mkdir()
    log.touch()
    shutil.copyfile(board.variables, variables)
    command = [
        *(board.tool, "-nodefaults", *board.words, "-m", "1024"),
        *("-display", "none", "-monitor", "none", "-serial", f"file:{log}"),
        *("-drive", f"if=pflash,format=raw,readonly=on,file={board.code}"),
        *("-drive", f"if=pflash,format=raw,file={variables}"),
        *("-netdev", f"tap,id=n0,ifname={tap},script=no,downscript=no"),
        # The firmware's own stack, not the card's iPXE.
        *("-device", f"virtio-net-pci,netdev=n0,mac={mac},romfile=", "-device", "virtio-rng-pci"),
        *(word for setting in settings for word in ("-fw_cfg", setting)),
    ]
    run("ip", "tuntap", "add", tap, "mode", "tap")
    try:
        run("ip", "link", "set", tap, "up", "master", bridge)
        # The service's environment marks the process for the sweep after a lab that was cut off.
        with subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL) as process:
            try:
                yield Machine(process, log)
            finally:
                process.kill()
    finally:
        run("ip", "link", "del", tap, check=False)


def reach_the_answer(machine: Machine, service: Service, name: str, said: str = "") -> None:
    """Waits for the mini installer and the answer file. `said` must stand on the serial line by then."""
    try:
        until(lambda: "mini installer on" in machine.said(), 240, "the mini installer's first word")
        kernel = machine.spent()
        assert said in machine.said()
        until(lambda: "answer.served" in service.kinds(name), 120, "the answer file, served")
        print(f"{name}: kernel and init after {kernel}, answer file after {machine.spent()}")
    except (TimeoutError, AssertionError) as error:
        told = service.timeline(name)
        raise AssertionError(f"{error}\n{machine.said()[-4000:]}\n{told}\n{service.tail(20)}") from None
