"""Whether metadata is signed by a key that is trusted: asked of `gpgv`, as apt and dnf have it done.

Keys come from whoever added the tree or with the host's distribution, never out of the tree itself.
"""

import base64
import binascii
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

_SECONDS = 20
_MOST = 16 << 20
"""Keys of a host, and a signed text, are at most this long."""
SHIPPED = (
    "/usr/share/keyrings/*-archive-keyring.gpg",
    "/usr/share/keyrings/*-archive-keyring.pgp",
    "/usr/share/keyrings/*-archive-removed-keys.gpg",
    "/etc/pki/rpm-gpg/RPM-GPG-KEY-*",
    "/usr/share/distribution-gpg-keys/*/RPM-GPG-KEY*",
    "/usr/lib/rpm/gnupg/keys/*.asc",
)
"""Where distributions put their makers' keys (debian-archive-keyring, ubuntu-keyring, distribution-gpg-keys,
openSUSE-build-key, and each RPM distribution's own)."""
_ARMOUR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n([A-Za-z0-9+/=\s]+?)"
    rb"(?:\r?\n=[A-Za-z0-9+/]{4})?\r?\n-----END PGP PUBLIC KEY BLOCK-----"
)
_FOUND = re.compile(r"^\[GNUPG:\] (\S+) ?(.*)$", re.MULTILINE)
_UNTRUSTED = {
    "EXPKEYSIG": "a key that has expired",
    "REVKEYSIG": "a key that was revoked",
    "EXPSIG": "an expired signature",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """`verdict` of a signature over metadata; `signed` is the primary key's fingerprint of a good one.

    `bad`: by a key that is known, and not over these bytes. `why` goes on from "PATH is not vouched for: ".
    """

    verdict: Literal["good", "bad", "unknown"]
    signed: str = ""
    why: str = ""


def check(data: bytes, signature: bytes | None, keys: str = "", shipped: Sequence[str] = SHIPPED) -> Checked:
    """Blocking. `signature` is a detached one, armoured or not, None where `data` is clear-signed.

    Only `keys` (armoured) count where there are any, else those that ship with the host's distribution. A
    good signature by one of them is enough, a bad one by any of them refuses. Never raises.
    """
    ring = _armoured(keys.encode()) if keys.strip() else _of_host(tuple(shipped))
    if not ring:
        return Checked("unknown", why="there is no key to check its signature by")
    with tempfile.TemporaryDirectory(prefix="provisioner-gpgv-") as name:
        folder = Path(name)
        (folder / "ring").write_bytes(ring)
        (folder / "data").write_bytes(data)
        (folder / "signature").write_bytes(signature or b"")
        files = ["signature", "data"] if signature is not None else ["data"]
        argv = ["gpgv", "--status-fd", "1", "--homedir", name, "--keyring", name + "/ring", "--", *files]
        try:
            done = subprocess.run(
                argv,
                cwd=folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
        except FileNotFoundError:
            return Checked("unknown", why="gpgv is not installed here (package gpgv)")
        except subprocess.TimeoutExpired:
            return Checked("unknown", why=f"gpgv did not end within {_SECONDS} seconds")
    return _verdict(done.stdout.decode(errors="replace"))


def _verdict(status: str) -> Checked:
    """Source: doc/DETAILS of GnuPG, "Format of the --status-fd output"."""
    good, last, whys = "", "", []
    for word, rest in _FOUND.findall(status):
        if word == "BADSIG":
            return Checked("bad", why=f"its signature by key {rest.split()[0]} is wrong")
        if word in ("GOODSIG", *_UNTRUSTED):
            last = word
            if word in _UNTRUSTED:
                whys.append(f"it is signed by {_UNTRUSTED[word]} ({rest.split()[0]})")
        elif word == "VALIDSIG" and last == "GOODSIG":
            good = good or rest.split()[-1]
        elif word == "ERRSIG":
            whys.append(f"it is signed by key {rest.split()[0]}, which is not known here")
    if good:
        return Checked("good", signed=good)
    return Checked("unknown", why=whys[0] if whys else "there is no signature in it that can be read")


def _armoured(text: bytes) -> bytes:
    """The keys of a text as gpgv takes them: nothing for what is none."""
    try:
        return b"".join(base64.b64decode(found[1]) for found in _ARMOUR.finditer(text))
    except binascii.Error:
        return b""


@lru_cache(maxsize=4)
def _of_host(patterns: tuple[str, ...]) -> bytes:
    found = bytearray()
    for place in _places(patterns):
        try:
            key = place.read_bytes()
        except OSError:
            continue
        if b"-----BEGIN PGP" in key:
            key = _armoured(key)
        # An old or new packet of a public key; a keybox is none.
        if key[:1] in (b"\x98", b"\x99", b"\xc6") and len(found) + len(key) < _MOST:
            found += key
    return bytes(found)


def _places(patterns: Iterable[str]) -> list[Path]:
    """Links and copies of a file once."""
    found = [place for pattern in patterns for place in sorted(Path("/").glob(pattern.lstrip("/")))]
    return list(dict.fromkeys(place.resolve() for place in found if place.is_file()))
