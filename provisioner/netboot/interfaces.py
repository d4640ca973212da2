"""The interfaces of this machine and the neighbours on them, as the kernel has them at the moment."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

_SIOCGIFADDR = 0x8915
_SIOCGIFMTU = 0x8921
_SIOCGIFHWADDR = 0x8927
_SIOCETHTOOL = 0x8946
_GDRVINFO = 3  # linux/ethtool.h
_ARP = "/proc/net/arp"
_PAGE = 65536


@dataclass(frozen=True, slots=True)
class Interface:
    """`index` is new each time an interface is made again, even under the same name."""

    name: str
    index: int
    address: str
    mtu: int
    mac: bytes


def found(patterns: Sequence[str]) -> dict[str, Interface]:
    """The interfaces whose name matches a shell pattern and that have an IPv4 address, by name."""
    matching: dict[str, Interface] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for index, name in socket.if_nameindex():
            if not any(fnmatchcase(name, pattern) for pattern in patterns):
                continue
            try:
                address = socket.inet_ntoa(_ask(probe, _SIOCGIFADDR, name)[4:8])
                (mtu,) = struct.unpack("=i", _ask(probe, _SIOCGIFMTU, name)[:4])
                mac = _ask(probe, _SIOCGIFHWADDR, name)[2:8]
            except OSError:
                continue  # it has no address, or went while we looked
            matching[name] = Interface(name, index, address, mtu, mac)
    return matching


def addresses(patterns: Sequence[str]) -> dict[str, str]:
    """Interface name to its first IPv4 address, for those that match a shell pattern and have one."""
    return {name: interface.address for name, interface in found(patterns).items()}


def is_bridge(name: str) -> bool:
    """Whether the interface is a bridge of the kernel's own."""
    info = ctypes.create_string_buffer(struct.pack("=I", _GDRVINFO), 256)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            fcntl.ioctl(probe, _SIOCETHTOOL, struct.pack("16sP16x", name.encode(), ctypes.addressof(info)))
        except OSError:
            return False
    return info.raw[4:36].split(b"\0")[0] == b"bridge"


def neighbour(address: str) -> str | None:
    """The MAC address that the kernel's neighbour table has for an IPv4 address."""
    return next((mac for ip, mac in _neighbours() if ip == address), None)


def neighbour_address(mac: str) -> str | None:
    """The IPv4 address that the kernel's neighbour table has for a MAC address."""
    return next((ip for ip, seen in _neighbours() if seen == mac), None)


def _ask(probe: socket.socket, request: int, name: str) -> bytes:
    return fcntl.ioctl(probe, request, struct.pack("16s24x", name.encode()))[16:]


def _neighbours() -> list[tuple[str, str]]:
    """(address, MAC) of each complete entry; none where the kernel shows no table."""
    rows = [line.split() for line in _arp().decode().splitlines()[1:]]
    return [(row[0], row[3]) for row in rows if len(row) >= 6 and int(row[2], 16) & 2]


def _arp() -> bytes:
    """The kernel's table as it is now. Every request asks for it; to open it would cost the most."""
    found = b""
    try:
        while more := os.pread(_opened_arp(), _PAGE, len(found)):
            found += more
    except OSError:
        pass
    return found


@cache
def _opened_arp() -> int:
    return os.open(_ARP, os.O_RDONLY)
