"""What repositories of RPMs and of Debian packages say of their packages."""

import time
from collections.abc import Iterator
from hashlib import md5, sha256

import pytest

from provisioner.core.errors import Invalid
from provisioner.mirror.digests import debian, repodata
from provisioner.mirror.digests.table import Table

_A, _B = sha256(b"a").hexdigest(), sha256(b"b").hexdigest()
_M = md5(b"a").hexdigest()
_REPOMD = f"""<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>1</revision>
  <data type="primary">
    <checksum type="sha256">{_A}</checksum>
    <open-checksum type="sha256">{_B}</open-checksum>
    <location href="repodata/{_A}-primary.xml.gz"/>
    <timestamp>1</timestamp><size>12</size><open-size>120</open-size>
  </data>
  <data type="group"><checksum type="sha256">{_B}</checksum><location href="repodata/comps.xml"/></data>
</repomd>"""
_PRIMARY = f"""<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
<package type="rpm"><name>a</name><arch>noarch</arch><checksum type="sha256" pkgid="YES">{_A}</checksum>
  <summary>location &lt;href&gt;</summary><size package="7" installed="9" archive="9"/>
  <location href="Packages/a-1.noarch.rpm"/>
  <format><rpm:provides><rpm:entry name="a"/></rpm:provides><file>/usr/bin/a</file></format></package>
<package type="rpm"><name>far</name><checksum type="sha256" pkgid="YES">{_B}</checksum>
  <location xml:base="http://elsewhere.example/" href="far.rpm"/></package>
</metadata>"""
_RELEASE = f"""Origin: Debian
Suite: stable
MD5Sum:
 {_M} 10 main/binary-amd64/Packages.xz
SHA256:
 {_A}       10 main/binary-amd64/Packages.xz
 {_B}        0 main/binary-all/Packages
Acquire-By-Hash: yes
"""
_PACKAGES = f"""Package: a
Size: 12
Filename: pool/main/a/a_1_amd64.deb
MD5sum: {_M}
SHA256: {_A}
Description: Size: 3
 Filename: no

Package: old
Filename: ./pool/main/o/old_1_all.deb
Size: 3
MD5sum: {_M}
"""


def _said(table: Table) -> dict[str, tuple[str, int | None]]:
    return {path: (must.digest, must.size) for path, must in table.items()}


@pytest.mark.parametrize("root", ["", "BaseOS/"])
def test_repomd(root: str) -> None:
    table, kinds, revision = repodata.read_repomd(_REPOMD.encode(), f"{root}repodata/repomd.xml")

    assert _said(table) == {
        f"{root}repodata/{_A}-primary.xml.gz": (_A, 12),
        f"{root}repodata/comps.xml": (_B, None),
    }
    assert revision == 1
    assert kinds == {
        "primary": f"{root}repodata/{_A}-primary.xml.gz",
        "group": f"{root}repodata/comps.xml",
    }


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_primary_is_read_as_it_comes(step: int) -> None:
    data = _PRIMARY.encode()
    pieces = (data[at : at + step] for at in range(0, len(data), step))

    assert _said(repodata.read_primary(pieces, "x/repodata/primary.xml.gz")) == {
        "x/Packages/a-1.noarch.rpm": (_A, 7)
    }


_BOMB = '<!DOCTYPE metadata [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


def _endless() -> Iterator[bytes]:
    yield b"<metadata><package type='rpm'><location href='"
    while True:
        yield b"a" * 65536


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"<html><body>Log in</body></html>"],
        [_PRIMARY[:-20].encode()],
        [_PRIMARY.replace("<metadata", f"{_BOMB}<metadata").encode()],
        [_PRIMARY.replace(_A, "&b;").replace("<metadata", f"{_BOMB}<metadata").encode()],
        [_PRIMARY.replace("Packages/a-1", "../a-1").encode()],
        [_PRIMARY.replace(_A, "").encode()],
        [_PRIMARY.replace('href="Packages/a-1.noarch.rpm"', "").encode()],
        [_PRIMARY.replace('package="7"', 'package="-7"').encode()],
        [_PRIMARY.replace("</metadata>", _PRIMARY[_PRIMARY.index("<package") :]).replace(_A, _B, 1).encode()],
        [b"\x00\xff" * 1000],
        _endless(),
    ],
    ids=lambda given: "endless" if not isinstance(given, list) else None,
)
def test_what_is_no_list_of_packages_is_one_error(pieces: list[bytes]) -> None:
    with pytest.raises(Invalid, match=r"^repodata/primary\.xml cannot be used: "):
        repodata.read_primary(pieces, "repodata/primary.xml")


@pytest.mark.parametrize("text", ["", "<repomd/>", _REPOMD.replace('"primary"', '"other"'), _PRIMARY])
def test_what_is_no_repomd_is_one_error(text: str) -> None:
    with pytest.raises(Invalid, match=r"^repodata/repomd\.xml cannot be used: "):
        repodata.read_repomd(text.encode(), "repodata/repomd.xml")


def test_release() -> None:
    assert _said(debian.read_release(_RELEASE.encode(), "dists/stable/Release")) == {
        "dists/stable/main/binary-amd64/Packages.xz": (_A, 10),
        "dists/stable/main/binary-all/Packages": (_B, 0),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "Origin: Debian\n",
        _RELEASE.replace(" 10 ", " "),
        _RELEASE.replace("main/binary-all", "../../x"),
        _RELEASE[: _RELEASE.index("       10")],
    ],
)
def test_what_is_no_release_is_one_error(text: str) -> None:
    with pytest.raises(Invalid, match=r"^dists/stable/Release cannot be used: "):
        debian.read_release(text.encode(), "dists/stable/Release")


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_packages(step: int) -> None:
    data = _PACKAGES.encode()
    pieces = (data[at : at + step] for at in range(0, len(data), step))

    assert _said(debian.read_packages(pieces, "dists/s/main/binary-amd64/Packages.xz", "x")) == {
        "x/pool/main/a/a_1_amd64.deb": (_A, 12),
        "x/pool/main/o/old_1_all.deb": (_M, 3),
    }
    assert _said(debian.read_packages([b""], "Packages", "")) == {}


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        _PACKAGES[: _PACKAGES.index("Package: old") + 20],
        _PACKAGES.replace(f"SHA256: {_A}", "").replace(f"MD5sum: {_M}", ""),
        _PACKAGES.replace("pool/main/a/", "pool/../../a/"),
        _PACKAGES + "\n" + _PACKAGES.replace("Size: 12", "Size: 13"),
        "a" * (5 << 20),
    ],
    ids=range(6),
)
def test_what_is_no_packages_is_one_error(text: str) -> None:
    with pytest.raises(Invalid, match=r"^Packages cannot be used: "):
        debian.read_packages([text.encode()], "Packages", "")


def test_a_whole_debian_is_read_in_a_moment() -> None:
    """Each package costs about what one line of Python does: the list of a release is not its hundredfold."""
    stanza = _PACKAGES.partition("\n\n")[0] + "\n" + "Depends: libc6 (>= 2.36)\n" * 15
    started = time.process_time()
    for number in range(20_000):
        f"{stanza.replace('a_1', f'a_{number}')}\n".encode().split(b"\n")
    by_hand = time.process_time() - started
    many = [f"{stanza.replace('a_1', f'a_{number}')}\n".encode() for number in range(20_000)]
    started = time.process_time()
    table = debian.read_packages(many, "Packages", "")
    read = time.process_time() - started

    assert len(table) == 20_000
    assert read < 10 * by_hand
