"""The proxies of the environment: http_proxy, https_proxy, no_proxy, in either case of letters."""

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote
from urllib.request import getproxies_environment

from yarl import URL

from provisioner.core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Proxy:
    """`url` is without the login, which `headers` have; it is in no repr."""

    url: URL
    headers: dict[str, str] = field(repr=False)


def proxy(url: URL) -> Proxy | None:
    """What a request goes through, None for straight. Raises Unavailable for a proxy of another kind."""
    known = getproxies_environment()
    named = known.get(url.scheme, "")
    host = url.host or ""
    if not named or any(
        _matches(word.strip().lower(), host, url.port) for word in known.get("no", "").split(",")
    ):
        return None
    try:
        found = URL(named if "://" in named else f"http://{named}")
        if found.scheme not in ("http", "https") or not found.host:
            raise ValueError
    except ValueError:
        raise Unavailable(
            f"the environment's {url.scheme}_proxy is no http or https URL",
            remedy=f"write it as http://host:port, or name {host} in no_proxy",
        ) from None
    headers = {}
    if found.user is not None:
        login = f"{unquote(found.raw_user or '')}:{unquote(found.raw_password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    return Proxy(found.with_user(None), headers)


def _matches(word: str, host: str, port: int | None) -> bool:
    """A word of no_proxy: `*`, a host or a domain, with a port or without, an address, or a network."""
    name, _, asked = word.rpartition(":") if word.rpartition(":")[2].isdecimal() else (word, "", "")
    if asked and ":" not in name:
        word = name
        if int(asked) != port:
            return False
    try:
        return ip_address(host) in ip_network(word.strip("[]"), strict=False)
    except ValueError:
        word = word.lstrip(".")
        return word == "*" or (bool(word) and (host == word or host.endswith(f".{word}")))
