"""What kind of file a name of a tree stands for, as HTTP names it. A packed file is what it is packed as."""

from mimetypes import MimeTypes

PLAIN = "text/plain; charset=utf-8"
UNKNOWN = "application/octet-stream"
_PACKED = {
    "bzip2": "application/x-bzip2",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
    "br": "application/octet-stream",
    "compress": "application/x-compress",
}
_OURS = {
    ".asc": PLAIN,
    ".cfg": PLAIN,
    ".conf": PLAIN,
    ".crt": "application/x-x509-ca-cert",
    ".deb": "application/vnd.debian.binary-package",
    ".efi": "application/efi",
    ".iso": "application/x-iso9660-image",
    ".ks": PLAIN,
    ".rpm": "application/x-rpm",
    ".sha256": PLAIN,
    ".squashfs": "application/vnd.squashfs",
    ".xml": "application/xml",
    ".udeb": "application/vnd.debian.binary-package",
    ".zck": UNKNOWN,
    ".zst": "application/zstd",
}
_NAMED = frozenset(
    {".discinfo", ".treeinfo", "treeinfo", "inrelease", "release", "packages", "sha256sums", "checksums"}
    | {"sha512sums", "md5sums", "md5sum.txt", "readme", "eula", "gpl", "media.repo", "changelog", "copying"}
)
_TYPES = MimeTypes(())  # of no file of this host: a tree looks everywhere alike


def content_type(path: str, said: str = "") -> str:
    """Of the last part of a path: `a/bash.rpm` is `application/x-rpm`. What a server `said` goes before."""
    if said and said != UNKNOWN:
        return said
    name = path.rpartition("/")[2].lower()
    if name in _NAMED:
        return PLAIN
    ending = "." + name.rpartition(".")[2] if "." in name.strip(".") else ""
    if ending in _OURS:
        return _OURS[ending]
    kind, packed = _TYPES.guess_type(f"x{ending}") if ending else (None, None)
    if packed is not None:
        return _PACKED.get(packed, UNKNOWN)
    if kind is None:
        return UNKNOWN
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
