"""The questions of the recorded conversations, one by one: DHCP, and read requests of TFTP."""

from functools import cache
from pathlib import Path

from provisioner.boot.conversation import Malformed, parse

CONVERSATIONS = Path(__file__).parents[2] / "data" / "conversations"
_PORTS = (67, 4011, 69)


@cache
def packets() -> dict[str, tuple[int, bytes]]:
    """`uefi-pxe-3`, the third different question of that recording, to (port, payload)."""
    found: dict[str, tuple[int, bytes]] = {}
    for file in sorted(CONVERSATIONS.glob("*.txt")):
        conversation = parse(file.read_text())
        assert not isinstance(conversation, Malformed), f"{file.name}, {conversation}"
        asked: dict[tuple[int, bytes], bytes] = {}
        for each in conversation.packets:
            if each.sender == "client" and isinstance(each.payload, bytes) and each.port in _PORTS:
                asked.setdefault(_key(each.port, each.payload), each.payload)
        for number, ((port, _), payload) in enumerate(asked.items(), 1):
            found[f"{file.stem}-{number}"] = (port, payload)
    return found


def packet(name: str) -> bytes:
    return packets()[name][1]


def _key(port: int, data: bytes) -> tuple[int, bytes]:
    """A repeat of a DHCP question differs in its transaction and seconds only."""
    return port, data if port == 69 else data[:4] + data[12:]
