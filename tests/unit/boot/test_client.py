"""Which questions come from a netboot client, and which are left alone for which reason."""

from dataclasses import replace

import pytest

from provisioner.boot.client import Client, Ignore, Question, identify

MAC = "52:54:00:12:34:56"
PXE = Question(1, MAC, vendor_class="PXEClient:Arch:00000:UNDI:002001", code=0)
IPXE = replace(PXE, user_class="iPXE", ipxe_features=True)

CLIENTS = {
    "BIOS": (PXE, "bios", False),
    "BIOS by iPXE": (IPXE, "bios", True),
    "iPXE without HTTP needs a loader": (replace(IPXE, ipxe_features=False), "bios", False),
    "features without the word iPXE": (replace(IPXE, user_class=""), "bios", False),
    "UEFI x64 as 7": (replace(PXE, code=7), "uefi", False),
    "UEFI x64 as 9": (replace(PXE, code=9), "uefi", False),
    "HTTP Boot": (
        replace(PXE, vendor_class="HTTPClient:Arch:00016:UNDI:003000", code=16),
        "uefi-http",
        False,
    ),
    "UEFI arm64": (
        replace(PXE, vendor_class="PXEClient:Arch:00011:UNDI:003000", code=11),
        "uefi-arm64",
        False,
    ),
    "REQUEST": (replace(PXE, message=3), "bios", False),
}


@pytest.mark.parametrize(("question", "firmware", "ipxe"), CLIENTS.values(), ids=CLIENTS)
def test_client(question: Question, firmware: str, ipxe: bool) -> None:
    client = identify(question)

    assert isinstance(client, Client)
    assert (client.firmware.name, client.ipxe, client.mac) == (firmware, ipxe, MAC)


IGNORED = {
    "debian-installer": (replace(PXE, vendor_class="d-i"), "vendor class d-i is an operating system's"),
    "Anaconda": (replace(PXE, vendor_class="anaconda-Linux 6.1"), "vendor class anaconda-Linux is an"),
    "udhcpc": (replace(PXE, vendor_class="udhcp 1.35.0"), "vendor class udhcp is an"),
    "Anaconda of CentOS 7": (
        Question(1, MAC, vendor_class="anaconda-Linux 3.10.0-957.el7.x86_64 x86_64"),
        "vendor class anaconda-Linux is an",
    ),
    "dhcpcd": (
        Question(1, MAC, vendor_class="dhcpcd-9.4.1:Linux-6.1.0:x86_64:GenuineIntel"),
        "vendor class dhcpcd-9.4.1:Linux-6.1.0:x86_64:GenuineIntel is an operating system's",
    ),
    "casper": (Question(1, MAC, vendor_class="Linux ipconfig"), "vendor class Linux is an"),
    "Windows PE": (Question(1, MAC, vendor_class="MSFT 5.0"), "vendor class MSFT is an"),
    "dhclient": (Question(1, MAC), "not a netboot client"),
    "dhclient asks for its address again": (Question(3, MAC, requested="192.0.2.7"), "not a netboot client"),
    "systemd-networkd, told to look like firmware": (
        Question(1, MAC, vendor_class="PXEClient.Linux.x86_64"),
        "not a netboot client",
    ),
    "the same with an architecture": (replace(PXE, vendor_class="PXEClient.Linux.x86_64"), "not a netboot"),
    "NetworkManager in dracut, given a class": (
        Question(1, MAC, vendor_class="RedHat", uuid="6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"),
        "not a netboot client",
    ),
    "a telephone": (Question(1, MAC, vendor_class="android-dhcp-14"), "not a netboot client"),
    "no vendor class": (replace(PXE, vendor_class=""), "not a netboot client"),
    "no architecture": (replace(PXE, code=None), "option 93 is missing"),
    "a code of no row": (replace(PXE, code=99), "architecture 99 is not served"),
    "BIOS by HTTP": (replace(PXE, vendor_class="HTTPClient", code=20), "no BIOS that boots by HTTP is known"),
    "PowerNV": (replace(PXE, code=14), "powernv: Petitboot starts kernels itself"),
    "s390x": (replace(PXE, code=31), "s390x: s390x starts kernels itself"),
    "Raspberry Pi": (replace(PXE, code=41), "put UEFI firmware on its card"),
    "EFI byte code": (replace(PXE, code=8), "names no processor"),
    "HTTP Boot's code from PXE": (replace(PXE, code=16), "does not go with vendor class PXEClient"),
    "PXE's code from HTTP Boot": (replace(PXE, vendor_class="HTTPClient"), "does not go with vendor class"),
    "INFORM": (replace(PXE, message=8), "message type 8 is no netboot question"),
}


@pytest.mark.parametrize(("question", "reason"), IGNORED.values(), ids=IGNORED)
def test_ignored(question: Question, reason: str) -> None:
    ignore = identify(question)

    assert isinstance(ignore, Ignore)
    assert reason in ignore.reason


def test_operating_systems_are_ignored_even_with_the_options_of_a_netboot_client() -> None:
    for vendor in ("d-i", "anaconda", "udhcp 1.35.0", "dhcpcd-9.4.1", "Linux ipconfig", "MSFT 5.0"):
        assert isinstance(identify(replace(IPXE, vendor_class=vendor)), Ignore)
