"""Every URL a guest sees, built from the address of the interface its question came in on."""

from urllib.parse import quote

SLIRP = "10.0.2.2"
"""This host, as a guest on QEMU's user network sees it: whatever it sends there comes in on the loopback."""
FIRST = "first"
"""Stands for a token where there is none: the first address to ask is bound."""
BESIDE = {"user-data": ("meta-data", "vendor-data", "network-config")}
"""What an installer asks for beside its answer file, by that one's name. Whoever has read only these has read
no answers yet."""


def base(address: str, port: int) -> str:
    """`http://192.168.122.1:8080`, the guests' listener on one address."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}"


def stub(root: str) -> str:
    """The public iPXE script that every netbooting machine may read; it names nothing secret."""
    return f"{root}/boot/ipxe"


def loader(root: str, name: str) -> str:
    return f"{root}/boot/{quote(name)}"


def script(root: str, token: str) -> str:
    """The machine's own script, unlocked by the stub token (or by iPXE's `${serial}` in its place)."""
    return f"{root}/boot/script/{token}"


def answer(root: str, token: str, file: str) -> str:
    return f"{root}/answer/{token}/{file}"


def tree(root: str, name: str, path: str = "") -> str:
    return f"{root}/tree/{quote(name)}/{quote(path)}"


def report(root: str, token: str, event: str = "") -> str:
    return f"{root}/report/{token}/{event}"
