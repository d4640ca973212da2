"""Lists of checksums as the families write them."""

from hashlib import md5, sha256

import pytest

from provisioner.core.errors import Invalid
from provisioner.mirror.digests import sums, treeinfo

_A, _B = sha256(b"a").hexdigest(), sha256(b"b").hexdigest()
_GNU = f"{_A}  ./boot/linux\n{_B} *initrd\n"
_SIGNED = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# a.iso: 1 bytes\n"
    f"SHA256 (a.iso) = {_A}\n- -x\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
)
_CONTENT = (
    f"CONTENTSTYLE 11\nDISTRO cpe:/o:opensuse:leap:42.3,openSUSE Leap 42.3\nDESCRDIR suse/setup/descr\n"
    f"META SHA256 {_A}  packages.gz\nHASH SHA256 {_B}  boot/x86_64/loader/linux\n"
    f"KEY SHA256 {_A}  gpg-pubkey.asc\n"
)


@pytest.mark.parametrize(
    ("by", "text", "said"),
    [
        ("SHA256SUMS", _GNU, {"boot/linux": (_A, None), "initrd": (_B, None)}),
        ("x/images/SHA256SUMS", _GNU, {"x/images/boot/linux": (_A, None), "x/images/initrd": (_B, None)}),
        ("CHECKSUM", f"# a b.iso: 12 bytes\nSHA256 (a b.iso) = {_A}\n", {"a b.iso": (_A, 12)}),
        ("CHECKSUM", f"SHA256 (a) = {_A}\r\nMD5 (a) = {md5(b'').hexdigest()}\r\n", {"a": (_A, None)}),
        ("CHECKSUM", _SIGNED.replace("- -x\n", ""), {"a.iso": (_A, 1)}),
        (
            "content",
            _CONTENT,
            {
                "suse/setup/descr/packages.gz": (_A, None),
                "boot/x86_64/loader/linux": (_B, None),
                "gpg-pubkey.asc": (_A, None),
            },
        ),
        ("content", "<html>", {}),
        ("MD5SUMS", f"{md5(b'a').hexdigest()}  a\n", {"a": (md5(b"a").hexdigest(), None)}),
    ],
)
def test_a_list_is_read(by: str, text: str, said: dict[str, tuple[str, int | None]]) -> None:
    table = sums.read(text.encode(), by)

    assert {path: (must.digest, must.size) for path, must in table.items()} == said
    assert {must.by for must in table.values()} <= {by}


@pytest.mark.parametrize(
    ("by", "text"),
    [
        ("SHA256SUMS", ""),
        ("SHA256SUMS", "<html><title>Log in</title></html>\n"),
        ("SHA256SUMS", _GNU[: len(_GNU) // 4]),
        ("SHA256SUMS", f"{_A}  ../x\n"),
        ("SHA256SUMS", f"{_A}  x\n{_B}  x\n"),
        ("SHA256SUMS", "\0" * 4096),
        ("CHECKSUM", _SIGNED),
        ("CHECKSUM", _SIGNED.split("-----BEGIN PGP SIGNATURE")[0]),
        ("CHECKSUM", f"{_A}  x\n{_SIGNED}"),
        ("CHECKSUM", _SIGNED.replace("- -x\n", "") + _SIGNED),
    ],
)
def test_what_is_no_list_is_one_error(by: str, text: str) -> None:
    with pytest.raises(Invalid, match=f"^{by} cannot be used: "):
        sums.read(text.encode(), by)


def test_what_stands_behind_a_signature_does_not_count() -> None:
    behind = _SIGNED.replace("- -x\n", "") + f"\nSHA256 (evil) = {_B}\n"

    assert list(sums.read(behind.encode(), "CHECKSUM")) == ["a.iso"]


def test_treeinfo() -> None:
    text = (
        "[general]\nname = CentOS-7\narch = x86_64\nversion = 7\nfamily = CentOS\n[checksums]\n"
        f"images/boot.iso = sha256:{_A}\nrepodata/repomd.xml = sha256:{_B}\n"
    )

    assert {path: must.digest for path, must in treeinfo.read(text.encode(), ".treeinfo").items()} == {
        "images/boot.iso": _A
    }
    with pytest.raises(Invalid):
        treeinfo.read(b"<html>", ".treeinfo")
    with pytest.raises(Invalid):
        treeinfo.read(text.replace("images/boot", "../boot").encode(), ".treeinfo")
