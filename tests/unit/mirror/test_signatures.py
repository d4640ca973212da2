"""Signatures over metadata, checked by the real gpgv."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.mirror.signatures import check
from tests.unit.mirror.signing import Signer

pytestmark = pytest.mark.skipif(
    not (shutil.which("gpg") and shutil.which("gpgv")), reason="no gpg, or no gpgv here"
)
_DATA = b"Suite: stable\nSHA256:\n abc 1 main/x\n- a dash\n"


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Signer, Signer]]:
    folder = tmp_path_factory.mktemp("gpg")
    both = Signer(folder / "a"), Signer(folder / "b", "Stranger")
    yield both
    for signer in both:
        signer.close()


def test_a_good_signature_tells_its_key(signers: tuple[Signer, Signer]) -> None:
    signer, _ = signers
    for armoured in (True, False):
        found = check(_DATA, signer.detached(_DATA, armoured=armoured), signer.public)
        assert (found.verdict, found.signed) == ("good", signer.fingerprint)
    assert check(signer.inline(_DATA), None, signer.public).signed == signer.fingerprint


def test_one_bit_makes_it_bad(signers: tuple[Signer, Signer]) -> None:
    signer, _ = signers
    wrong = bytes([_DATA[0] ^ 1]) + _DATA[1:]

    assert check(wrong, signer.detached(_DATA), signer.public).verdict == "bad"
    assert check(signer.inline(_DATA).replace(b"stable", b"stabke"), None, signer.public).verdict == "bad"


def test_a_strangers_signature_says_nothing(signers: tuple[Signer, Signer]) -> None:
    signer, stranger = signers
    for data, signature in ((_DATA, stranger.detached(_DATA)), (stranger.inline(_DATA), None)):
        found = check(data, signature, signer.public)
        assert (found.verdict, found.signed) == ("unknown", "")
        assert "not known here" in found.why


def test_one_known_key_of_several_is_enough(signers: tuple[Signer, Signer]) -> None:
    signer, stranger = signers
    both = stranger.detached(_DATA, armoured=False) + signer.detached(_DATA, armoured=False)

    assert check(_DATA, both, signer.public).verdict == "good"
    assert check(_DATA + b"x", both, signer.public).verdict == "bad"


@pytest.mark.parametrize(
    "signature", [b"", b"<html>", b"-----BEGIN PGP SIGNATURE-----\n\nxx\n", b"\0" * 1000]
)
def test_what_is_no_signature_says_nothing(signers: tuple[Signer, Signer], signature: bytes) -> None:
    assert check(_DATA, signature, signers[0].public).verdict == "unknown"
    assert check(signature, None, signers[0].public).verdict == "unknown"


def test_without_a_key_nothing_is_known(signers: tuple[Signer, Signer]) -> None:
    signature = signers[0].detached(_DATA)
    for keys, shipped in (("", ["/nowhere/*"]), ("<html>", ["/nowhere/*"])):
        found = check(_DATA, signature, keys, shipped)
        assert (found.verdict, found.why) == ("unknown", "there is no key to check its signature by")


def test_keys_that_ship_with_the_host_count_where_none_is_given(
    signers: tuple[Signer, Signer], tmp_path: Path
) -> None:
    signer, stranger = signers
    (tmp_path / "KEY-a").write_text(f"pub ed25519 of somebody\n\n{signer.public}")
    (tmp_path / "KEY-broken").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\nx")
    shipped = [f"{tmp_path}/KEY-*"]

    assert check(_DATA, signer.detached(_DATA), "", shipped).verdict == "good"
    assert check(_DATA, signer.detached(_DATA), stranger.public, shipped).verdict == "unknown"


def test_without_gpgv_it_is_told(signers: tuple[Signer, Signer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    found = check(_DATA, b"", signers[0].public)

    assert (found.verdict, found.why) == ("unknown", "gpgv is not installed here (package gpgv)")
