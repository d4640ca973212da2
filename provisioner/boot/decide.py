"""What we answer. One verdict serves every door (67, 4011, TFTP, HTTP); the offer follows from it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from provisioner.boot.client import Client
from provisioner.boot.client import Ignore as Ignore
from provisioner.core import urls
from provisioner.core.firmware import Dialect, Firmware
from provisioner.core.install import Install

Verdict = Literal["netboot", "disk", "unknown"]

BOOT_DISK: Final = "boot your disk"
OTHER_TREE: Final = (
    "cancel that, then install a profile whose tree is for its processor (provisioner tree list)"
)
LONGEST_FILE: Final = 127
"""Bytes of the boot file field that may be used: its 128th ends the string."""


@dataclass(frozen=True, slots=True)
class Offer:
    """`vendor_class` goes back in option 60; `skip_discovery` is option 43 = 06 01 08 ff.

    With it EDK2 takes `file` from the offer; without it the same firmware asks port 4011 for it first.
    """

    file: str
    server: str
    vendor_class: str
    skip_discovery: bool


def verdict(install: Install | None, known: bool) -> tuple[Verdict, str]:
    """Whether a machine netboots now, and why. `install` is its latest one, `known` whether we know it."""
    if not known:
        return "unknown", "no guest or machine of ours has this MAC address or UUID"
    if install is None:
        return "disk", "no install is asked for"
    if install.over:
        return "disk", f"install {install.id} is {install.stage}"
    if install.answered is not None:
        return "disk", f"the answer file of install {install.id} was served"
    return "netboot", f"install {install.id} is {install.stage}"


def refusal(verdict: Verdict, why: str) -> Ignore | None:
    """What a machine is told that must not netboot, None for one that may. The same words at every door."""
    match verdict:
        case "netboot":
            return None
        case "disk":
            return Ignore(f"{BOOT_DISK}: {why}")
        case "unknown":
            return Ignore(why)
        case _:
            assert_never(verdict)


def other_processor(arch: str, starts: Sequence[str], who: str) -> Ignore | None:
    """Why an install for `arch` does not begin on `who`, which starts kernels of `starts`; None where it may.

    Either is empty where it is not known.
    """
    if not arch or not starts or arch in starts:
        return None
    return Ignore(
        f"its install is for {arch}, and {who} starts kernels of {' or '.join(starts[:2])} alone", OTHER_TREE
    )


def decide(
    client: Client,
    verdict: Verdict,
    why: str,
    root: str,
    server: str,
    have: Container[str],
    dialect: Dialect = "ipxe",
    arch: str = "",
) -> Offer | Ignore:
    """The one offer for a client, as found to work with each of them. `have` holds the loaders' names.

    `arch` is the processor that its install is for, as `uname -m` writes it, "" where that is not known.

    iPXE takes its script's URL as the boot file itself, HTTP Boot wants a URL and its own vendor class
    back, and plain PXE a name to fetch by TFTP from `server`.
    """
    firmware = client.firmware
    refused = refusal(verdict, why) or other_processor(arch, firmware.starts, f"{firmware.name} firmware")
    if refused is not None:
        return refused
    if client.ipxe and dialect == "ipxe":
        offer = Offer(urls.stub(root), server, "PXEClient", skip_discovery=True)
    elif (loader := firmware.loader(dialect, have)) is None:
        return _lack(firmware, dialect)
    elif firmware.transport == "http":
        offer = Offer(urls.loader(root, loader), server, firmware.vendor_class, skip_discovery=False)
    else:
        offer = Offer(loader, server, firmware.vendor_class, skip_discovery=True)
    length = len(offer.file.encode())
    if length > LONGEST_FILE:
        return Ignore(f"the boot file name {offer.file} has {length} bytes; {LONGEST_FILE} fit in an answer")
    return offer


def _lack(firmware: Firmware, dialect: Dialect) -> Ignore:
    """Why there is no loader, and what helps."""
    if dialect not in firmware.loaders:
        others = " or ".join(firmware.loaders)
        return Ignore(
            f"{firmware.name} firmware has no {dialect} loader", f"install it with --loader {others}"
        )
    names = " or ".join(firmware.loaders[dialect])
    return Ignore(
        f"there is no {names} here for {firmware.name} firmware", "provisioner loader add FILE takes one"
    )
