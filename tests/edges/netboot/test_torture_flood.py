"""A flood of questions from made-up machines, to netboot as it is: the ones that we know are answered.

TORTURE=1 makes it fifty thousand a second for thirty seconds.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.edges.netboot.spaces import CLIENT_MAC, needs_namespaces, network
from tests.edges.netboot.test_torture_boots import (
    GUEST,
    answers,
    enrolled,
    netboot,
    packet_of,
    question_of,
    resident,
)

FULL = os.environ.get("TORTURE", "0") != "0"
RATE, SECONDS = (50_000, 30.0) if FULL else (5_000, 2.0)
LONGEST, GROWTH = 0.25, 32 * 1024
"""Seconds of 99 of 100 answers; KiB."""
_PAUSE = 0.15  # a machine may ask ten times a second
_FLOOD = """
import os, socket, sys, time
server, rate, seconds, data = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), bytes.fromhex(sys.argv[4])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
begun = last = time.monotonic()
sent, due = 0, 0.0
while (now := time.monotonic()) - begun < seconds:
    due += min(now - last, 0.005) * rate  # what it had no turn for is not made good at once
    last = now
    while due >= 1:
        sock.sendto(data[:28] + b"\\2" + os.urandom(5) + data[34:], (server, 4011))
        sent, due = sent + 1, due - 1
    time.sleep(0.0005)
print(sent)
"""


@needs_namespaces
@pytest.mark.timeout(300)
def test_torture_a_flood_of_fifty_thousand_strangers_a_second(tmp_path: Path) -> None:
    asyncio.run(enrolled(tmp_path))
    with network() as made, netboot(made, tmp_path) as process:
        made.give_client(GUEST)
        with closing(made.client_socket()) as sock:
            asks(sock, 0, made.address)
            own_core(process.pid)
            before = resident(process.pid)
            words = ["ip", "netns", "exec", made.client, sys.executable, "-c", _FLOOD]
            words += [made.address, str(RATE), str(SECONDS), packet_of("uefi-4011-3").hex()]
            flood = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            os.sched_setaffinity(flood.pid, {max(os.sched_getaffinity(0))})
            waited: list[float] = []
            while flood.poll() is None:
                begun = time.monotonic()
                asks(sock, len(waited) + 1, made.address)
                waited.append(time.monotonic() - begun)
                time.sleep(_PAUSE)
            sent = int(flood.communicate()[0])
        assert process.poll() is None
        grown = resident(process.pid) - before

    p99 = sorted(waited)[int(len(waited) * 0.99)]
    print(
        f"{sent} strangers in {SECONDS:.0f} s; the known machine p99 {p99 * 1000:.0f} ms, "
        f"netboot grew by {grown / 1024:.1f} MiB"
    )
    assert grown <= GROWTH
    assert not FULL or p99 <= LONGEST


def own_core(pid: int) -> None:
    """Whoever floods us sits in front of another machine: what they take is not netboot's."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {min(os.sched_getaffinity(0))})
        os.setpriority(os.PRIO_PROCESS, int(task.name), -20)


def asks(sock: socket.socket, number: int, server: str) -> None:
    """Until it is answered, as a ROM asks: once more after a second, a few times."""
    question = question_of("uefi-4011-3", number, CLIENT_MAC)
    sock.settimeout(1)
    for _ in range(8):
        sock.sendto(question, (server, 4011))
        try:
            while not answers(sock.recv(2048), question):
                pass
        except TimeoutError:
            continue
        return
    raise AssertionError("a ROM would have given up")
