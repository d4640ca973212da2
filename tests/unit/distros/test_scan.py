"""Rules as data: each line of the tables is found again, no healthy line is, and none costs much."""

import re
import time
from pathlib import Path

import pytest

from provisioner.distros.detect import FAMILIES
from provisioner.distros.scan import EVERYWHERE, LONGEST, Line, Row, scan, tables

ROWS = [(name, row) for name, rows in tables().items() for row in rows]
LINES = [(name, row, line) for name, row in ROWS for line in row.lines]
CONSOLES = Path(__file__).parents[2] / "data/consoles"

HEALTHY = (
    "",
    "systemd[1]: Started Journal Service.",
    "anaconda: installing bash-5.1.8-9.el9.x86_64",
    "anaconda[1412]: INFO: no error occurred",
    "main-menu[301]: INFO: Menu item 'partman-base' selected",
    "main-menu[301]: DEBUG: Configuring 'partman-base'",
    "subiquity: finish: subiquity/Install/install/curtin_install: SUCCESS: installing system",
    "subiquity: start: subiquity/Install/install/curtin_install/run/cmd-install: curtin command install",
    "kernel: Memory: 487952K/523768K available (16384K kernel code)",
    "kernel: Initramfs unpacking failed: Decoding failed",
    "kernel: blk_update_request: I/O error, dev fd0, sector 0",
    "kernel: vda: vda1 vda2 vda3",
    "kernel: raid6: using algorithm avx2x4 gen() 21324 MB/s",
    "kernel: virtio_net: module verification failed: signature and/or required key missing - tainting kernel",
    "dracut-initqueue[541]: % Total    % Received % Xferd  Average Speed",
    "network: eth0 has 192.0.2.17",
    "image: on the disk, SHA-256 as it should be",
    "kickstart: fetched",
    "installed; reboot",
    "Could not boot image: Exec format error (http://ipxe.org/2e022001)",  # a script with a wrong command
    "iPXE 1.21.1+ (g988d2) -- Open Source Network Boot Firmware -- https://ipxe.org",
    "Configuring (net0 52:54:00:12:34:56)...... ok",
    'BdsDxe: starting Boot0001 "UEFI PXEv4 (MAC:525400000001)" from PciRoot(0x0)/Pci(0x2,0x0)',
    'BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x3,0x0): Not Found',
    ">>Start PXE over IPv4.",
    "debootstrap: I: Retrieving InRelease",
    "Get:1 http://192.0.2.1/debian trixie InRelease [140 kB]",
)


@pytest.mark.parametrize(("file", "row", "line"), LINES, ids=[f"{f}-{r.sign.name}" for f, r, _ in LINES])
def test_each_example_is_told(file: str, row: Row, line: Line) -> None:
    installers = [family.name for family in FAMILIES if file in (*EVERYWHERE, *family.signs())]

    assert line.word in line.example
    for installer in ("", *installers):
        found = scan(line.example, installer)
        assert found is not None
        assert found.name == row.sign.name
        assert "{" not in found.cause


@pytest.mark.parametrize("line", HEALTHY)
def test_a_healthy_line_says_nothing(line: str) -> None:
    assert scan(line) is None


@pytest.mark.parametrize("file", sorted(CONSOLES.iterdir()), ids=lambda file: file.stem)
def test_a_console_of_a_run_that_went_well_says_nothing(file: Path) -> None:
    """Recorded: the mini installer to its end, the first boot of what it made, UEFI's netboot into iPXE."""
    lines = file.read_text(errors="replace").splitlines()

    assert len(lines) > 10
    assert [(found.name, line) for line in lines if (found := scan(line))] == []


def test_what_a_line_says_is_in_the_cause() -> None:
    found = scan("<30>mini: stopped: kickstart: line 7: the command 'frewall' is not known", "image")

    assert found is not None
    assert found.cause == "line 7 of its kickstart is wrong: the command 'frewall' is not known"


def test_an_installer_s_own_file_goes_first_and_others_are_left_out() -> None:
    line = "stopped: image http://x cannot be unpacked on /dev/vda3: tar: No space left on device"
    told = {name: found.name if (found := scan(line, name)) else "" for name in ("image", "debian", "")}

    assert told == {"image": "disk-too-small", "debian": "space-short", "": "disk-too-small"}
    assert scan("debootstrap: E: Couldn't download libc6", "rhel") is None


def test_a_terminal_s_own_signs_are_no_part_of_a_line() -> None:
    found = scan("\x1b[2J\x1b[01;01H\x1b[0m\x1b[37mBdsDxe: No bootable \x1b[0moption or device was found.")

    assert found is not None
    assert found.name == "no-bootable-disk"


def test_both_ends_of_a_long_line_are_looked_at() -> None:
    fault = "wget: bad address 'mirror.example.org'"
    filled = "x" * 10_000

    assert [scan(line) is not None for line in (fault + filled, filled + fault)] == [True, True]
    assert scan(filled[:LONGEST] + fault + filled) is None


def test_every_file_has_a_family_and_every_family_a_file() -> None:
    assert set(tables()) == {*EVERYWHERE, *(name for family in FAMILIES for name in family.signs())}
    assert all(family.signs() for family in FAMILIES)


def test_names_are_words_with_hyphens_and_rows_say_where_they_are_from() -> None:
    for _, row in ROWS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", row.sign.name)
        assert row.source
        assert row.sign.remedy
        assert not row.sign.cause.endswith(".")


@pytest.mark.parametrize(("file", "row", "line"), LINES, ids=[f"{f}-{r.sign.name}" for f, r, _ in LINES])
def test_a_hostile_line_costs_no_more_than_some_plain_ones(file: str, row: Row, line: Line) -> None:
    """What is searched backwards and forwards grows with the line, never with its square or worse."""
    plain = min(_seconds("x" * 10_000) for _ in range(5))
    for part in (line.word, line.example[:-1], f"error: {line.word}", f"{line.word} '", f"x {line.word}"):
        hostile = (part * 10_000)[:10_000]
        assert min(_seconds(hostile) for _ in range(3)) < plain * 2000


def _seconds(line: str) -> float:
    begun = time.process_time()
    scan(line)
    return time.process_time() - begun
