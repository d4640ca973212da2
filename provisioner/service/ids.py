"""Ids as the service chooses them."""

import secrets
import uuid


class RandomIds:
    """Install ids are 12 hexadecimal digits; MACs carry QEMU's prefix."""

    def install(self) -> str:
        return secrets.token_hex(6)

    def mac(self) -> str:
        return ":".join(f"{byte:02x}" for byte in b"\x52\x54\x00" + secrets.token_bytes(3))

    def uuid(self) -> str:
        return str(uuid.uuid4())
