"""URLs below a tree, and redirects that are not followed."""

from functools import partial

import pytest
from yarl import URL

from provisioner.core.errors import Unavailable
from provisioner.mirror.client import address, redirect
from provisioner.mirror.trust import Trust

BELOW = {
    ("http://a.example/debian", "pool/g++_1%2b2~3.deb"): "http://a.example/debian/pool/g++_1%252b2~3.deb",
    ("http://a.example/debian/", "a b?c#d"): "http://a.example/debian/a%20b%3Fc%23d",
    ("https://a.example:8443/x", "libc6_1%3a2.deb"): "https://a.example:8443/x/libc6_1%253a2.deb",
}
FOLLOWED = {
    ("http://a.example/x", "/y"): "http://a.example/y",
    ("http://a.example/x", "https://b.example/y"): "https://b.example/y",
    ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/y"): "http://127.0.0.1:8000/y",
    ("http://192.168.1.1/x", "https://192.168.1.1/y#z"): "https://192.168.1.1/y",
    ("http://192.168.1.1/x", "http://8.8.8.8/y"): "http://8.8.8.8/y",
}
REFUSED = {
    ("http://a.example/x", "file:///etc/passwd"): "redirects to file, which is not followed",
    ("https://a.example/x", "http://a.example/x"): "redirects to http, which is not followed",
    ("http://a.example/x", "http://127.0.0.1:8081/api"): "redirects to 127.0.0.1, an address of this host",
    ("http://a.example/x", "http://localhost/"): "redirects to localhost, an address of this host",
    ("http://a.example/x", "http://[::1]/"): "redirects to ::1, an address of this host",
    ("http://a.example/x", "http://169.254.169.254/latest"): "redirects to 169.254.169.254, an address",
    ("http://a.example/x", "http://0.0.0.0/"): "redirects to 0.0.0.0, an address of this host",
    (
        "http://a.example/x",
        "http://192.168.1.1/y",
    ): "redirects to 192.168.1.1, an address of a private network",
    (
        "http://127.0.0.1:8000/x",
        "http://127.0.0.1:8081/api",
    ): "redirects to 127.0.0.1, an address of this host",
    ("http://192.168.1.1/x", "http://192.168.1.2/x"): "192.168.1.2, an address of a private network",
    (
        "http://a.example/x",
        "http://me:secret@b.example/x",
    ): r"redirects to http://me:\*\*\*@b.example/x, with a login",
    ("http://a.example/x", "http://2130706433/"): "redirects to 2130706433, an address in an odd spelling",
    ("http://a.example/x", "http://0177.0.0.1/"): "redirects to 0177.0.0.1, an address in an odd spelling",
    ("http://a.example/x", "http://[::ffff:127.0.0.1]/"): "an address of this host",
    ("http://a.example/x", "http://[2002:7f00:1::]/"): "an address of this host",
    ("http://a.example/x", "http://b.example:99999/"): "redirects to what is no address",
    ("http://a.example/x", "gopher://b.example/"): "redirects to gopher, which is not followed",
}


def test_a_path_is_quoted_once() -> None:
    assert {key: str(address(*key)) for key in BELOW} == BELOW


def test_a_redirect_is_followed_where_it_may() -> None:
    followed = {
        key: str(redirect(URL(key[0]), key[1], known=partial(Trust().may_ask, key[0]))) for key in FOLLOWED
    }

    assert followed == FOLLOWED


@pytest.mark.parametrize(("url", "location"), REFUSED)
def test_a_redirect_inwards_is_refused(url: str, location: str) -> None:
    with pytest.raises(Unavailable, match=REFUSED[url, location]):
        redirect(URL(url), location, known=partial(Trust().may_ask, url))


def test_other_upstreams_of_the_configuration_may_be_led_to() -> None:
    trust = Trust(lambda: ["http://192.168.1.2:8000/debian", "/srv/tree", ""])
    known = partial(trust.may_ask, "http://a.example/x")

    for location in ("http://192.168.1.2:8000/y", "https://192.168.1.2/y"):
        assert str(redirect(URL("http://a.example/x"), location, known=known)) == location
    with pytest.raises(Unavailable, match="a private network"):
        redirect(URL("http://a.example/x"), "http://192.168.1.2:8001/y", known=known)


def test_an_upstream_that_a_list_names_is_no_operator_s() -> None:
    trust = Trust(lambda: ["http://a.example/x"])
    trust.distrust("http://10.0.0.1/x")

    assert trust.may_ask("http://10.0.0.2/x", URL("http://10.0.0.2/x/f"))
    assert not trust.may_ask("http://10.0.0.1/x", URL("http://10.0.0.1/x/f"))
    assert trust.may_ask("http://10.0.0.1/x", URL("http://a.example/x/f"))
