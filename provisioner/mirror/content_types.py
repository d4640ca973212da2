"""What kind of file one of a tree is, by its name, where its upstream does not say."""

from pathlib import PurePosixPath

ANY = "application/octet-stream"
_BY_SUFFIX = {
    ".bz2": "application/x-bzip2",
    ".cfg": "text/plain",
    ".cpio": "application/x-cpio",
    ".deb": "application/vnd.debian.binary-package",
    ".drpm": "application/x-rpm",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".iso": "application/x-iso9660-image",
    ".json": "application/json",
    ".ks": "text/plain",
    ".repo": "text/plain",
    ".rpm": "application/x-rpm",
    ".squashfs": "application/vnd.squashfs",
    ".txt": "text/plain",
    ".udeb": "application/vnd.debian.binary-package",
    ".xml": "application/xml",
    ".xz": "application/x-xz",
    ".zck": "application/x-zchunk",
    ".zst": "application/zstd",
}
_TEXTS = frozenset({".treeinfo", "treeinfo", ".discinfo", "InRelease", "Release", "Packages", "Sources"})


def content_type(path: str, said: str = "") -> str:
    """Its upstream's word, where that is more than "any bytes"."""
    if said and said != ANY:
        return said
    name = PurePosixPath(path)
    if name.name in _TEXTS or name.name.endswith("SUMS"):
        return "text/plain"
    return _BY_SUFFIX.get(name.suffix.lower(), ANY)
