"""Netboot is stopped and started again while machines boot: each of them gets through.

TORTURE makes it a hundred boots and a restart every five seconds. Firmware asks again after a second, and
begins anew where a transfer does not go on.
"""

import asyncio
import os
import signal
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

from tests.edges.netboot.clients import ack
from tests.edges.netboot.spaces import BROADCAST, Network, needs_namespaces, network
from tests.edges.netboot.test_torture_boots import GUEST, answers, enrolled, mac, netboot, question_of

LONG = os.environ.get("TORTURE", "0") not in ("", "0")
BOOTS, AT_ONCE, ATTEMPTS = (100 if LONG else 40), 8, 12
EVERY, PACE = (5.0, 0.02) if LONG else (3.0, 0.01)
"""Seconds that it runs each time, and that a ROM takes for a block: there are 72 of them."""
LOADER = bytes(range(256)) * 400
WAIT = 1.0


@needs_namespaces
def test_every_boot_gets_through_while_netboot_restarts(tmp_path: Path) -> None:
    asyncio.run(enrolled(tmp_path))
    with network() as made, closing(Roms(made)) as roms, ThreadPoolExecutor(AT_ONCE) as pool:
        boots = [pool.submit(roms.boot, number) for number in range(BOOTS)]
        restarts = -1
        left = set(boots)
        while left:
            restarts += 1
            with netboot(made, tmp_path, LOADER) as process:
                left = wait(boots, EVERY).not_done
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
        attempts = [boot.result() for boot in boots]

    again = sum(attempts) - BOOTS
    print(f"{BOOTS} boots, {restarts} restarts; {again} began anew, none more than {max(attempts) - 1} times")
    assert restarts
    assert again, "no transfer was under way at any restart"


class Roms:
    """Machines behind one card. They ask one after the other, and load side by side."""

    def __init__(self, made: Network) -> None:
        made.give_client(GUEST)
        self._made = made
        self._asking = made.client_socket()
        self._asking.settimeout(WAIT)
        self._turn = threading.Lock()

    def close(self) -> None:
        self._asking.close()

    def boot(self, number: int) -> int:
        """At which attempt it had its loader whole."""
        for attempt in range(1, ATTEMPTS + 1):
            with self._turn:
                asked = self._asks("uefi-pxe-1", number, (BROADCAST, 67)) and self._asks(
                    "uefi-4011-3", number, (self._made.address, 4011)
                )
            if asked and self._loads() == LOADER:
                return attempt
        raise AssertionError(f"boot {number} never got its loader in {ATTEMPTS} attempts")

    def _asks(self, recorded: str, number: int, to: tuple[str, int]) -> bool:
        question = question_of(recorded, number, mac(number))
        for _ in range(4):
            self._asking.sendto(question, to)
            try:
                while not answers(reply := self._asking.recv(2048), question):
                    pass
            except TimeoutError:
                continue
            return b"snponly.efi" in reply
        return False

    def _loads(self) -> bytes:
        """What came of it, whole or not, block by block as plain ROMs do."""
        with closing(self._made.client_socket(GUEST, 0)) as sock:
            sock.settimeout(WAIT)
            last, peer = b"\0\1snponly.efi\0octet\0blksize\x001428\0", (self._made.address, 69)
            content, block, silent = b"", 0, 0
            while silent < 2:
                sock.sendto(last, peer)
                try:
                    data, peer = sock.recvfrom(2048)
                except TimeoutError:
                    silent += 1
                    continue
                if data[:2] == b"\0\5":
                    return content
                if data[:2] == b"\0\6":
                    last = ack(0)
                elif data[:4] == struct.pack("!HH", 3, block + 1):
                    content, block, last, silent = content + data[4:], block + 1, ack(block + 1), 0
                    if len(data) < 1432:
                        sock.sendto(last, peer)
                        return content
                    time.sleep(PACE)
            return content
