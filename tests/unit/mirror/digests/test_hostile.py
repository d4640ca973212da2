"""Whatever bytes come as metadata: a table whose paths stay inside of the tree, or the one error."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.core.errors import Invalid
from provisioner.mirror.digests import debian, repodata, sums, treeinfo
from provisioner.mirror.digests.table import Table
from provisioner.mirror.digests.unpack import unpack

_A = sha256(b"a").hexdigest()
_VALID: dict[str, bytes] = {
    "treeinfo": f"[general]\nname=x\nversion=1\narch=x86_64\n[checksums]\na/b = sha256:{_A}\n".encode(),
    "sums": f"{_A}  ./a\nSHA256 (b) = {_A}\n# b: 3 bytes\n".encode(),
    "content": f"DESCRDIR suse/setup/descr\nMETA SHA256 {_A}  packages\nHASH SHA256 {_A}  a\n".encode(),
    "release": f"Suite: s\nSHA256:\n {_A} 10 main/binary-amd64/Packages\n".encode(),
    "packages": f"Package: a\nFilename: pool/a.deb\nSize: 1\nSHA256: {_A}\n\nPackage: b\n".encode(),
    "repomd": (
        f'<repomd><revision>1</revision><data type="primary"><checksum type="sha256">{_A}</checksum>'
        '<location href="repodata/p.xml"/><size>1</size></data></repomd>'
    ).encode(),
    "primary": (
        f'<metadata><package type="rpm"><checksum type="sha256">{_A}</checksum><size package="1"/>'
        '<location href="a.rpm"/></package></metadata>'
    ).encode(),
}
_READERS: dict[str, Callable[[bytes], Table]] = {
    "treeinfo": lambda data: treeinfo.read(data, ".treeinfo"),
    "sums": lambda data: sums.read(data, "SHA256SUMS"),
    "content": lambda data: sums.read(data, "content"),
    "release": lambda data: debian.read_release(data, "dists/s/Release"),
    "packages": lambda data: debian.read_packages(unpack([data], "P"), "P", ""),
    "repomd": lambda data: repodata.read_repomd(data, "repodata/repomd.xml")[0],
    "primary": lambda data: repodata.read_primary(unpack([data], "p"), "repodata/p"),
}
_EDITS = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(0, 8), st.binary(max_size=8) | st.sampled_from([b"../", b"\n", b"<"])
    ),
    max_size=6,
)


@pytest.mark.parametrize("kind", _READERS)
@settings(max_examples=150, deadline=None)
@given(edits=_EDITS, noise=st.binary(max_size=60))
def test_anything_is_read_or_refused(kind: str, edits: list[tuple[int, int, bytes]], noise: bytes) -> None:
    data = _VALID[kind]
    for at, length, new in edits:
        data = data[:at] + new + data[at + length :]
    for given_bytes in (data, noise, data + noise):
        try:
            table = _READERS[kind](given_bytes)
        except Invalid as error:
            assert str(error).isprintable()
            continue
        for path, must in table.items():
            assert ".." not in path.split("/")
            assert path and not path.startswith("/")
            assert table[path] == must
