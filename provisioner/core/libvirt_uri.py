"""Which libvirt URIs may be opened: what libvirt's client would run or trust because a URI says so.

libvirt parts parameters by `&` and `;` and knows their names in any case; so does this.
"""

import re
from urllib.parse import unquote, urlsplit

from provisioner.core.errors import Invalid

# Parameters, and the values that make them harmless; None where every value of it is unsafe.
_UNSAFE: dict[str, tuple[tuple[str, ...] | None, str]] = {
    "command": (None, "names a program to be run"),
    "netcat": (None, "names a program to be run"),
    "no_verify": (("", "0"), "does not verify whom it talks to"),
    "no_sanity": (("", "0"), "does not check its own certificates"),
    "known_hosts_verify": (("", "normal"), "accepts any host key"),
    "tls_priority": (None, "chooses its own ciphers"),
    "transport": (("", "https"), "is not encrypted"),
}
_TRANSPORTS = {"tcp": "is not encrypted", "ext": "names a program to be run"}
_EXAMPLE = "write one like qemu:///system or qemu+ssh://root@HOST/system"


def check_uri(uri: str, *, allow_unsafe: bool = False) -> str:
    """The URI where it is one that libvirt could know and that may be opened. Raises Invalid."""
    if not uri.isprintable() or any(letter.isspace() for letter in uri) or len(uri) > 255:
        raise Invalid(f"{uri[:80]!r} is not a libvirt URI", remedy=_EXAMPLE)
    try:
        parts = urlsplit(uri)
        host, user, password = parts.hostname or "", parts.username or "", parts.password
        parts.port  # noqa: B018 - raises ValueError for what is no port
    except ValueError:
        raise Invalid(f"{uri!r} is not a libvirt URI", remedy=_EXAMPLE) from None
    if not parts.scheme or not uri.lower().startswith(f"{parts.scheme}:"):
        raise Invalid(f"{uri!r} is not a libvirt URI", remedy=_EXAMPLE)
    if unquote(host).startswith("-") or unquote(user).startswith("-"):
        raise Invalid(f"libvirt URI {uri} hides an option of ssh in its host or user")
    if password is not None:
        raise Invalid(
            f"the libvirt URI of {host} carries a password, which would be shown wherever it is listed",
            remedy="use a key for ssh, or libvirt's auth.conf",
        )
    if _transport(uri) == "libssh":
        # Seen with libvirt 9.0: calls from several threads end the process.
        raise Invalid(
            f"libvirt URI {uri} goes by libssh, which crashes under several calls at a time",
            remedy="write qemu+ssh://, or qemu+libssh2://",
        )
    reason = _unsafe(uri)
    if reason and not allow_unsafe:
        raise Invalid(
            f"libvirt URI {uri} {reason}, which is not accepted",
            remedy="leave that out, or allow it for one host: provisioner host add NAME URI --allow-unsafe",
        )
    return uri


def _transport(uri: str) -> str:
    scheme = urlsplit(uri).scheme
    return scheme.rpartition("+")[2] if "+" in scheme else ""


def _unsafe(uri: str) -> str:
    """What is unsafe in a URI, "" where nothing is."""
    parts = urlsplit(uri)
    if reason := _TRANSPORTS.get(_transport(uri)):
        return reason
    for pair in re.split("[&;]", parts.query):
        key, _, value = (unquote(part) for part in pair.partition("="))
        harmless, reason = _UNSAFE.get(key.lower(), ((value.lower(),), ""))
        if harmless is None or value.lower() not in harmless:
            return reason
        if key.lower() == "name" and (inner := _unsafe(value)):  # the daemon there opens it in its turn
            return inner
    return ""
