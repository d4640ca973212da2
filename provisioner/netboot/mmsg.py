"""Many datagrams by one system call (recvmmsg(2), sendmmsg(2)), windows in one piece (UDP_SEGMENT, udp(7)).

Python has neither, so the kernel's structures are laid out here by hand, for 64-bit Linux, and used again for
each call. A datagram that is put is a reference into frames: it is copied by the kernel alone.
"""

import ctypes
import errno
import socket
import struct
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from provisioner.netboot.datagrams import (
    AT_ONCE,
    Datagrams,
    Find,
    Plain,
    Received,
    beginning,
    writable,
)
from provisioner.netboot.framing import Frames
from provisioner.netboot.transfer import NO_FAST_WAY
from provisioner.netboot.wire import Peer

_HEADER = struct.Struct("=QIxxxxQQQQixxxxIxxxx")
"""struct mmsghdr: name, its length, iovec, how many, control, its length, flags, bytes received."""
_IOVEC = struct.Struct("=QQ")
_CONTROL = struct.Struct("=QiiHxxxxxx")
"""struct cmsghdr with a 16-bit segment size behind it."""
_CONTROL_LENGTH = 18
_KEY = struct.Struct("=H2s4s")
_PAYLOAD = 104
_RECEIVED = struct.Struct(f"!8s8xI{_PAYLOAD - 4}x")
_OUT = struct.Struct("=QQ8s8x")
"""What differs from one datagram to the next: an iovec, and where it goes."""
_pack_out, _OUT_SIZE = _OUT.pack_into, _OUT.size
_outs = cache(lambda count: struct.Struct("=" + "QQ8s8x" * count))
"""As many of them."""
_SOL_UDP, _UDP_SEGMENT = 17, 103
_SEGMENTS: Final = 64
_LARGEST: Final = 65000
_NO_OFFLOAD = (errno.EINVAL, errno.EIO, errno.EOPNOTSUPP)
_libc = ctypes.CDLL(None, use_errno=True)


def best(sock: socket.socket) -> Datagrams:
    """`Batches` where this system has the calls, laid out as here; else `Plain`."""
    laid_out = sys.platform == "linux" and struct.calcsize("P") == 8
    if laid_out and hasattr(_libc, "recvmmsg") and hasattr(_libc, "sendmmsg"):
        return Batches(sock)
    return Plain(sock)


class Batches:
    """`datagrams.Datagrams` for a socket of IPv4."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._descriptor = sock.fileno()
        self._in = bytearray(_RECEIVED.size * AT_ONCE)
        self._in_view = memoryview(self._in)
        self._in_vectors = bytearray(_IOVEC.size * AT_ONCE)
        self._in_headers = bytearray(_HEADER.size * AT_ONCE)
        self._lengths = memoryview(self._in_headers).cast("I")[14 :: _HEADER.size // 4]
        self._in_call = ctypes.c_void_p(_address(self._in_headers))
        for index in range(AT_ONCE):
            name = _address(self._in) + _RECEIVED.size * index
            vector = _address(self._in_vectors) + _IOVEC.size * index
            _IOVEC.pack_into(self._in_vectors, _IOVEC.size * index, name + 16, _PAYLOAD)
            _HEADER.pack_into(self._in_headers, _HEADER.size * index, name, 16, vector, 1, 0, 0, 0, 0)
        self._single = _Stack(sock)
        self._windows = _Stack(sock, segments=True) if _segments(sock) else None

    def key(self, peer: Peer) -> bytes:
        return _KEY.pack(socket.AF_INET, struct.pack("!H", peer[1]), socket.inet_aton(peer[0]))

    def receive(self) -> Sequence[tuple[bytes, int]]:
        count = _libc.recvmmsg(self._descriptor, self._in_call, AT_ONCE, socket.MSG_DONTWAIT, None)
        if count <= 0:
            return ()
        found: list[tuple[bytes, int]] = list(_RECEIVED.iter_unpack(self._in_view[: _RECEIVED.size * count]))
        lengths = self._lengths[:count].tolist()
        if min(lengths) < 4:  # what is behind its end is of an earlier one
            found = [
                each if length >= 4 else (each[0], 0) for each, length in zip(found, lengths, strict=True)
            ]
        return found

    def taken(self, data: bytes, peer: Peer) -> Sequence[tuple[bytes, int]]:
        data = data[:_PAYLOAD]
        self._in[20 : 20 + max(0, len(data) - 4)] = data[4:]
        self._lengths[0] = len(data)
        return ((self.key(peer), beginning(data)),)

    def answer(self, received: Received, find: Find, now: float) -> Received:
        rest, out = [], list[object]()
        for packet in received:  # this is done for nearly every packet
            key, word = packet
            session = find(key)
            if session is None or session.fast != word:
                rest.append(packet)
            elif session.window == 1:
                # Session.step in lock-step, where a block is behind the last one and as long.
                session.base = sent = session.sent
                session.sent = sent = sent + 1
                session.since = now
                session.fast = word + 1 if sent < session.straight else NO_FAST_WAY
                session.newest = newest = session.newest + session.stride
                out += (newest, session.stride, key)
            else:
                session.step(now)
                self.put_window(session.frames, session.base + 1, session.sent + 1, session.key)
        self.flush()
        if out:
            self._single.count = count = len(out) // 3
            _outs(count).pack_into(self._single.out, 0, *out)
            self._single.flush()
        return rest

    def text(self, index: int) -> bytes:
        start = _RECEIVED.size * index + 20
        return bytes(self._in[start : start + self._lengths[index] - 4])

    def put(self, frames: Frames, block: int, key: bytes) -> None:
        step = frames.step  # as Frames.run and _Stack.put have it: this is done for nearly every packet
        offset = (block - 1) * step
        left = frames.size - offset
        stack = self._single
        index = stack.count
        _pack_out(stack.out, _OUT_SIZE * index, frames.address + offset, step if step < left else left, key)
        stack.held[index] = frames
        stack.count = index = index + 1
        if index == AT_ONCE:
            stack.flush()

    def put_window(self, frames: Frames, first: int, until: int, key: Any) -> None:
        windows = self._windows
        if windows is None or not windows.working or until - first == 1:
            for block in range(first, until):
                self.put(frames, block, key)
            return
        most = min(_SEGMENTS, _LARGEST // frames.step) or 1
        for block in range(first, until, most):
            offset, size = frames.run(block, min(block + most, until))
            windows.put(frames, frames.address + offset, size, key)

    def flush(self) -> None:
        if self._windows is not None and self._windows.count:
            self._windows.flush()  # first: of one client, a single block comes after its windows
        if self._single.count:
            self._single.flush()

    def send(self, packet: bytes, key: bytes) -> None:
        kept = ctypes.create_string_buffer(packet, len(packet))
        self._single.put(kept, ctypes.addressof(kept), len(packet), key)
        self.flush()


class _Stack:
    """Up to `AT_ONCE` datagrams, or with `segments` as many windows, that go by one call."""

    def __init__(self, sock: socket.socket, *, segments: bool = False) -> None:
        self.working = True
        self._socket = sock
        self._descriptor = sock.fileno()
        self.out = bytearray(_OUT.size * AT_ONCE)
        self._controls = bytearray(_CONTROL.size * AT_ONCE)
        self._headers = bytearray(_HEADER.size * AT_ONCE)
        self._call = _address(self._headers)
        self._segments = segments
        self.held: list[Any] = [None] * AT_ONCE
        """What the references point into, until it is sent."""
        self.count = 0
        for index in range(AT_ONCE):
            out = _address(self.out) + _OUT.size * index
            control = _address(self._controls) + _CONTROL.size * index if segments else 0
            length = _CONTROL_LENGTH if segments else 0
            _CONTROL.pack_into(
                self._controls, _CONTROL.size * index, _CONTROL_LENGTH, _SOL_UDP, _UDP_SEGMENT, 0
            )
            _HEADER.pack_into(
                self._headers, _HEADER.size * index, out + 16, 16, out, 1, control, length, 0, 0
            )

    def put(self, held: Any, address: int, size: int, key: bytes) -> None:
        index = self.count
        _pack_out(self.out, _OUT_SIZE * index, address, size, key)
        if self._segments:
            struct.pack_into("=H", self._controls, _CONTROL.size * index + 16, held.step)
        self.held[index] = held
        self.count = index = index + 1
        if index == AT_ONCE:
            self.flush()

    def flush(self) -> None:
        done, count, self.count = 0, self.count, 0
        while done < count:
            call = ctypes.c_void_p(self._call + _HEADER.size * done)
            sent = _libc.sendmmsg(self._descriptor, call, count - done, 0)
            if sent > 0:
                done += sent
                continue
            trouble = ctypes.get_errno()
            if trouble == errno.EAGAIN:
                if not writable(self._socket):
                    break
            elif trouble == errno.EINTR:
                continue
            else:
                self.working = self.working and not (self._segments and trouble in _NO_OFFLOAD)
                done += 1  # that one is lost
        self.held = [None] * AT_ONCE


def _segments(sock: socket.socket) -> bool:
    """Whether this kernel (4.18 and later) cuts a window into datagrams."""
    try:
        sock.setsockopt(_SOL_UDP, _UDP_SEGMENT, 0)
    except OSError:
        return False
    return True


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
