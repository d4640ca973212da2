"""A tree's source: the forms it may be written in, and how it is printed.

    /srv/centos7  /srv/dvd.iso  file:///srv/centos7      a directory or an ISO file of this host
    http://host/path  https://host/path
    ftp://[user:password@]host/path                      anonymous where no user is given
    nfs://host/export/path[?version=3]                   nfs:host:/export/path as virt-install writes it

Passwords stay in what is kept and are *** in everything that is said.
"""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from provisioner.core.errors import Invalid

Kind = Literal["path", "http", "ftp", "nfs"]

WHOLE = "medium.iso"
"""Below a tree that is an ISO file: that file itself, for live systems that fetch all of it."""

_KINDS: dict[str, Kind] = {"http": "http", "https": "http", "ftp": "ftp", "nfs": "nfs"}
_SECRET = re.compile(r"(://[^/:@]*):[^@/]*@")
_SHORT_NFS = re.compile(r"nfs:(?:(?P<options>[^:/]+):)?(?P<host>[^:/]+):(?P<path>/.*)")
_LIST = re.compile(
    r"/(mirrorlist|metalink)(/|$)|/(mirror\.list|mirrors\.txt)$|\.(meta4|metalink)$", re.IGNORECASE
)
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_REMEDY = "write /srv/centos7, /srv/dvd.iso, http://host/path, ftp://host/path or nfs://host/export/path"


def shown(text: str) -> str:
    """A source, or a sentence that has one in it, as it may be printed."""
    return _SECRET.sub(r"\1:***@", text)


def kind(source: str) -> Kind:
    """How a normalised source is read."""
    return "path" if source.startswith("/") else _KINDS[source.partition(":")[0]]


def is_mirror_list(url: str) -> bool:
    """Whether a mirror is a list of mirrors: its URL has a question in it, or is called like one."""
    path, asked, _ = url.partition("?")
    return path.startswith(("http://", "https://")) and (bool(asked) or bool(_LIST.search(path)))


def for_installer(source: str) -> str:
    """A source as installers write it that read it by themselves: NFS in mount's words. Raises Invalid."""
    if kind(source) == "path":
        raise Invalid(f"{source} is on this host only: an installer cannot read it by itself")
    if kind(source) != "nfs":
        return source
    parts = urlsplit(source)
    version = dict(parse_qsl(parts.query)).get("version")
    options = f"nfsvers={version}:" if version else ""
    return f"nfs:{options}{parts.hostname}:{unquote(parts.path)}"


def normalise(source: str) -> str:
    """An absolute path, or a URL without its last slash. Raises Invalid."""
    text = source.strip().removeprefix("file://")
    if text.startswith("/"):
        return str(Path(text))
    short = _SHORT_NFS.fullmatch(text)
    if short:
        text = f"nfs://{short['host']}{quote(short['path'])}{_version(short['options'] or '')}"
    parts = urlsplit(text)
    if parts.scheme not in _KINDS or not parts.hostname:
        raise Invalid(
            f"tree source {shown(source)!r} is none of: an absolute directory or ISO file, "
            "an http, https, ftp or nfs URL",
            remedy=_REMEDY,
        )
    where = f"tree source at {parts.hostname}"
    try:
        port = parts.port
    except ValueError:
        raise Invalid(
            f"{where}: the port is not a number", remedy="write / and @ of a password as %2F and %40"
        ) from None
    if any(ord(character) < 32 for character in unquote(text)):
        raise Invalid(f"{where}: there is a line break or another control character in it")
    if parts.scheme != "ftp" and (parts.username or parts.password):
        raise Invalid(f"{where}: a URL with a password is taken for ftp only")
    if parts.fragment or (parts.query and parts.scheme != "nfs"):
        raise Invalid(f"{where}: a URL with ? or # is not supported")
    if parts.scheme == "nfs":
        return _nfs(parts.hostname, port, unquote(parts.path), parts.query)
    return text.rstrip("/")


def _version(options: str) -> str:
    """Mount options as the query of a URL. Raises Invalid."""
    if not options:
        return ""
    name, _, value = options.partition("=")
    if name not in ("vers", "nfsvers", "version"):
        raise Invalid(f"NFS option {options!r} is not known; nfsvers=3 and nfsvers=4 are")
    return f"?version={value.partition('.')[0]}"


def _nfs(host: str, port: int | None, path: str, query: str) -> str:
    where = f"tree source nfs://{host}{path}"
    if not _HOST.fullmatch(host):
        raise Invalid(f"{where}: the host must be a name or an IPv4 address")
    if path in ("", "/") or "?" in path:
        raise Invalid(f"{where}: the export's path is missing, or has a ? in it")
    found = dict(parse_qsl(query, keep_blank_values=True))
    if set(found) - {"version"} or found.get("version", "4") not in ("3", "4"):
        raise Invalid(f"{where}: ?{query} is not known; ?version=3 and ?version=4 are")
    ending = f"?version={found['version']}" if found else ""
    return f"nfs://{host}{f':{port}' if port else ''}{quote(path.rstrip('/'))}{ending}"
