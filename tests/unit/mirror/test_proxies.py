"""Which proxy a request goes through, by the environment."""

import pytest
from yarl import URL

from provisioner.core.errors import Unavailable
from provisioner.mirror.proxies import proxy

NAMES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
ENVIRONMENT = {"http_proxy": "http://proxy.example:3128", "HTTPS_PROXY": "secure.example:8080"}
ROUTES: dict[tuple[str, str], str | None] = {
    ("", "http://a.example/x"): "http://proxy.example:3128",
    ("", "https://a.example/x"): "http://secure.example:8080",
    ("a.example", "http://a.example/x"): None,
    ("example", "http://a.example/x"): None,
    (".example", "http://a.example/x"): None,
    ("xample", "http://a.example/x"): "http://proxy.example:3128",
    ("b.example, a.example:80", "http://a.example/x"): None,
    ("a.example:81", "http://a.example/x"): "http://proxy.example:3128",
    ("*", "http://a.example/x"): None,
    ("10.0.0.0/8", "http://10.1.2.3/x"): None,
    ("10.0.0.0/8", "http://11.1.2.3/x"): "http://proxy.example:3128",
    ("10.1.2.3", "http://10.1.2.3/x"): None,
    ("fd00::/8,::1", "http://[fd00::1]/x"): None,
    ("[::1]", "http://[::1]/x"): None,
    ("10.0.0.0/99,,:", "http://10.1.2.3/x"): "http://proxy.example:3128",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("without", "url"), ROUTES)
def test_the_environment_names_the_proxy(without: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENVIRONMENT | {"no_proxy": without}).items():
        monkeypatch.setenv(name, value)
    found = proxy(URL(url))

    assert (str(found.url).rstrip("/") if found else None) == ROUTES[without, url]


def test_without_an_environment_there_is_none() -> None:
    assert proxy(URL("http://a.example/x")) is None


def test_a_login_goes_into_a_header_and_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:s%40cret@proxy.example:3128")
    found = proxy(URL("http://a.example/x"))

    assert found is not None
    assert found.headers == {"Proxy-Authorization": "Basic bWU6c0BjcmV0"}
    assert "cret" not in repr(found)


@pytest.mark.parametrize("value", ["socks5://me:secret@proxy.example:1080", "http://", "http://[", "ftp://x"])
def test_a_proxy_of_another_kind_is_told_without_its_login(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", value)
    with pytest.raises(Unavailable, match="http_proxy is no http or https URL") as refusal:
        proxy(URL("http://a.example/x"))

    assert "secret" not in f"{refusal.value}{refusal.value.remedy}"
