"""Ids as the service chooses them."""

import secrets
import uuid
from collections.abc import Callable

_PORTS = range(20000, 30000)
"""Of ordinary users, and below those that the kernel gives to connections of its own choice."""


class RandomIds:
    """Install ids are 12 hexadecimal digits; MACs carry QEMU's prefix. `is_free` judges a port."""

    def __init__(self, is_free: Callable[[int], bool] = lambda port: True) -> None:
        self._is_free = is_free

    def install(self) -> str:
        return secrets.token_hex(6)

    def mac(self) -> str:
        return ":".join(f"{byte:02x}" for byte in b"\x52\x54\x00" + secrets.token_bytes(3))

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def port(self) -> int:
        for _ in _PORTS:
            port = secrets.choice(_PORTS)
            if self._is_free(port):
                return port
        return 0
