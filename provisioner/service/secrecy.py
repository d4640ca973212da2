"""An install's secrets taken out of what its guest said, before it is kept or shown."""

import re
from collections.abc import Awaitable, Callable, Sequence

from provisioner.answers.secrets import MASK, mask
from provisioner.core.install import Install

Secrets = Callable[[Install], Awaitable[Sequence[str]]]
"""The texts that are known to be secret: passwords, tokens."""

_TOKEN = re.compile(r"(/(?:answer|report|boot/script)/)[A-Za-z0-9_-]{43}")
"""Of whichever install: a kernel writes its command line on the console."""


async def nothing(install: Install) -> Sequence[str]:
    return ()


def masked(text: str, secrets: Sequence[str]) -> str:
    return _TOKEN.sub(rf"\g<1>{MASK}", mask(text, secrets))


def masked_bytes(data: bytes, secrets: Sequence[str]) -> bytes:
    """The same for bytes that need be no text."""
    return masked(data.decode("utf-8", "surrogateescape"), secrets).encode("utf-8", "surrogateescape")
