"""The packets that real firmware sent, as tests/edges/netboot/record.py wrote them down."""

import json
from pathlib import Path

PACKETS = Path(__file__).parents[2] / "data" / "packets"


def packets() -> dict[str, tuple[int, bytes]]:
    """Name without suffix to (port, payload)."""
    index = json.loads((PACKETS / "index.json").read_text())
    return {
        Path(row["file"]).stem: (row["port"], (PACKETS / row["file"]).read_bytes())
        for client in index.values()
        for row in client["packets"]
    }


def packet(name: str) -> bytes:
    return packets()[name][1]
