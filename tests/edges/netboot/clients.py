"""TFTP readers as tests need them: with a ROM's patience on a bad channel, and in windows."""

import random
import socket
import struct

RRQ = b"\0\1%b\0octet\0"


def client() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(10)
    return sock


def ack(block: int) -> bytes:
    return struct.pack("!HH", 4, block & 0xFFFF)


def fetch(port: int, name: bytes, loss: float = 0.0, seed: int = 0) -> bytes:
    """A lock-step reader with a ROM's patience (1 s, 8 tries) on a channel that drops both ways."""
    chance = random.Random(seed)
    content, expected, tries = b"", 1, 0
    sending, to = RRQ % name + b"blksize\x001428\0", ("127.0.0.1", port)
    with client() as sock:
        sock.settimeout(1)
        while True:
            if chance.random() >= loss:
                sock.sendto(sending, to)
            while True:
                try:
                    data, peer = sock.recvfrom(2048)
                except TimeoutError:
                    tries += 1
                    assert tries < 8, "a ROM would have given up"
                    break
                if chance.random() < loss:
                    continue
                to = peer
                kind, number = struct.unpack_from("!HH", data)
                assert kind in (3, 6), data
                if kind == 6:
                    sending = ack(0)
                    break
                sending = ack(number)  # of a repeat too: its first ACK may be lost
                if number == expected & 0xFFFF:
                    tries = 0
                    content += data[4:]
                    expected += 1
                    if len(data) < 1432:
                        sock.sendto(sending, to)
                        return content
                break


def windowed(port: int, name: bytes, window: int, blksize: int = 1428) -> bytes:
    """A reader after RFC 7440 on a channel without faults."""
    options = b"windowsize\x00%d\0blksize\x00%d\0" % (window, blksize)
    content, expected = b"", 1
    with client() as sock:
        sock.sendto(RRQ % name + options, ("127.0.0.1", port))
        data, peer = sock.recvfrom(2048)
        assert data[:2] == b"\0\6", data
        sock.sendto(ack(0), peer)
        while True:
            data = sock.recv(2048)
            if data[:4] != struct.pack("!HH", 3, expected & 0xFFFF):
                continue  # a repeat, where this reader is slow
            content += data[4:]
            last = len(data) < blksize + 4
            if last or expected % window == 0:
                sock.sendto(ack(expected), peer)
            if last:
                return content
            expected += 1
