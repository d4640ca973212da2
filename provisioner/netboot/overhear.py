"""The frames of netboot conversations on an interface, as they pass. It sends nothing."""

import errno
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Final

from provisioner.core.errors import NotFound, Unavailable
from provisioner.netboot import bpf

_ETH_ALL: Final = 3
"""A socket of one protocol is not shown what leaves."""
_LONGEST: Final = 4096
_TICK: Final = 0.2
_REST: Final = 1.0
_BUFFER: Final = 8 * 1024 * 1024
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS = 263, 1, 1  # linux/if_packet.h
_HEADS: Final = tuple(int.from_bytes(word, "big") for word in (b"GET ", b"HEAD", b"POST", b"PUT ", b"HTTP"))
# IPv4, not a later fragment, and UDP or the head of an HTTP request or answer; offsets are of the frame.
_FILTER: Final = (
    (0x28, 0, 0, 12),  # ldh the Ethernet type
    (0x15, 0, 18, 0x0800),  # jeq IPv4
    (0x28, 0, 0, 20),  # ldh flags and fragment offset
    (0x45, 16, 0, 0x1FFF),  # jset
    (0x30, 0, 0, 23),  # ldb the protocol
    (0x15, 13, 0, 17),  # jeq UDP
    (0x15, 0, 13, 6),  # jeq TCP
    (0xB1, 0, 0, 14),  # ldxb 4*([14]&0xf), the IPv4 header's length
    (0x50, 0, 0, 26),  # ldb [x+26], the TCP header's length
    (0x54, 0, 0, 0xF0),  # and
    (0x74, 0, 0, 2),  # rsh
    (0x0C, 0, 0, 0),  # add x
    (0x07, 0, 0, 0),  # tax
    (0x40, 0, 0, 14),  # ld [x+14], how the payload begins
    *((0x15, len(_HEADS) - 1 - at, 0, head) for at, head in enumerate(_HEADS[:-1])),
    (0x15, 0, 1, _HEADS[-1]),
    (0x06, 0, 0, _LONGEST),  # accept
    (0x06, 0, 0, 0),  # drop
)


def frames(interface: str, seconds: float, ended: Callable[[], bool]) -> Iterator[tuple[float, bytes]]:
    """Time (seconds since the beginning) and Ethernet frame, for so many seconds or until `ended`.

    What the kernel has at that moment is read still, for a second at most.
    Raises NotFound where there is no such interface, Unavailable where frames may not be read.
    """
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            bpf.attach(sock, _FILTER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            sock.bind((interface, _ETH_ALL))
            # A bridge passes up what goes from one guest to another only to who asks for it.
            wanted = struct.pack("iHH8s", socket.if_nametoindex(interface), _PROMISCUOUS, 0, bytes(8))
            sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, wanted)
            sock.settimeout(_TICK)
            yield from _read(sock, seconds, ended)
    except PermissionError as error:
        raise Unavailable(
            f"frames on {interface} may not be read by this user",
            remedy="run it as root, or with CAP_NET_RAW",
        ) from error
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            raise NotFound(f"there is no interface {interface} here", remedy="see ip link") from error
        reason = "it is down" if error.errno == errno.ENETDOWN else error.strerror
        raise Unavailable(f"frames on {interface} cannot be read: {reason}") from error


def _read(sock: socket.socket, seconds: float, ended: Callable[[], bool]) -> Iterator[tuple[float, bytes]]:
    begun = time.monotonic()
    end = begun + seconds
    left, gone = False, None
    while True:
        now = time.monotonic()
        if not left and (now >= end or ended() or gone is not None):
            left, end = True, now + _REST
            sock.setblocking(False)
        try:
            if left and now >= end:
                raise BlockingIOError
            frame = sock.recv(_LONGEST)
        except TimeoutError:
            continue
        except BlockingIOError:
            if gone is not None:
                raise gone from None
            return
        except OSError as error:  # told once, before the frames that came until then
            gone = error
            continue
        yield time.monotonic() - begun, frame
