"""URLs below a tree, and redirects that are not followed."""

import pytest
from yarl import URL

from provisioner.core.errors import Unavailable
from provisioner.mirror.client import address, redirect

BELOW = {
    ("http://a.example/debian", "pool/g++_1%2b2~3.deb"): "http://a.example/debian/pool/g++_1%252b2~3.deb",
    ("http://a.example/debian/", "a b?c#d"): "http://a.example/debian/a%20b%3Fc%23d",
    ("https://a.example:8443/x", "libc6_1%3a2.deb"): "https://a.example:8443/x/libc6_1%253a2.deb",
}
FOLLOWED = {
    ("http://a.example/x", "/y"): "http://a.example/y",
    ("http://a.example/x", "https://b.example/y"): "https://b.example/y",
    ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/y"): "http://127.0.0.1:8000/y",
    ("http://a.example/x", "http://192.168.1.1/y"): "http://192.168.1.1/y",
}
REFUSED = {
    ("http://a.example/x", "file:///etc/passwd"): "redirects to file, which is not followed",
    ("https://a.example/x", "http://a.example/x"): "redirects to http, which is not followed",
    ("http://a.example/x", "http://127.0.0.1:8081/api"): "redirects to 127.0.0.1, an address of this host",
    ("http://a.example/x", "http://localhost/"): "redirects to localhost, an address of this host",
    ("http://a.example/x", "http://[::1]/"): "redirects to ::1, an address of this host",
    ("http://a.example/x", "http://169.254.169.254/latest"): "redirects to 169.254.169.254, an address",
    ("http://a.example/x", "http://0.0.0.0/"): "redirects to 0.0.0.0, an address of this host",
}


def test_a_path_is_quoted_once() -> None:
    assert {key: str(address(*key)) for key in BELOW} == BELOW


def test_a_redirect_is_followed_where_it_may() -> None:
    assert {key: str(redirect(URL(key[0]), key[1])) for key in FOLLOWED} == FOLLOWED


@pytest.mark.parametrize(("url", "location"), REFUSED)
def test_a_redirect_inwards_is_refused(url: str, location: str) -> None:
    with pytest.raises(Unavailable, match=REFUSED[url, location]):
        redirect(URL(url), location)
