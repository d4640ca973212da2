"""Finds the service: from the environment, from its state directory, or the demo's."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.core.errors import Invalid, Unavailable
from provisioner.state import user_data

STATE_DIR = Path("/var/lib/provisioner")
DEMO_DIR = Path("/var/lib/provisioner-demo")
_CONFIG = Path("/etc/provisioner/provisioner.toml")
_START = "start one with: provisioner serve   (or see it work first: provisioner demo)"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`state_dir` is None where the service was named by its URL; `demo` where the demo's was taken."""

    url: str
    token: str
    state_dir: Path | None = None
    demo: bool = False


def find(environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The service that commands talk to. Raises Unavailable where none answers, Invalid for half settings."""
    url = environ.get("PROVISIONER_URL", "")
    if url:
        token = environ.get("PROVISIONER_TOKEN", "")
        if not token:
            raise Invalid(
                "PROVISIONER_URL is set, but PROVISIONER_TOKEN is not",
                remedy="set it to the token in api.json of that service's state directory",
            )
        return Endpoint(url.rstrip("/"), token)
    chosen = environ.get("PROVISIONER_STATE_DIR") or _configured(environ)
    if chosen:
        return _only(Path(chosen))
    own = (read(user_data(environ) / "provisioner") if os.geteuid() else None) or read(STATE_DIR)
    if own and answers(own.url):
        return own
    demo = read(DEMO_DIR, quiet=True)
    if demo and answers(demo.url):
        return Endpoint(demo.url, demo.token, demo.state_dir, demo=True)
    if own:
        raise Unavailable(f"the service at {own.url} does not answer", remedy=_START)
    raise Unavailable("no provisioner service runs here", remedy=_START)


def read(state_dir: Path, *, quiet: bool = False) -> Endpoint | None:
    """What a service wrote into its state directory, None where it wrote nothing.

    `quiet` takes an unreadable file for none. Raises Unavailable otherwise.
    """
    path = state_dir / "api.json"
    try:
        found = json.loads(path.read_text())
        return Endpoint(str(found["url"]).rstrip("/"), str(found["token"]), state_dir)
    except FileNotFoundError:
        return None
    except PermissionError:
        if quiet:
            return None
        raise Unavailable(
            f"{path} holds the service's token and is not readable for you",
            remedy="run the command as root, or set PROVISIONER_URL and PROVISIONER_TOKEN",
        ) from None
    except (ValueError, KeyError, TypeError):
        if quiet:
            return None
        raise Unavailable(
            f"{path} is damaged", remedy="restart the service: it writes the file anew"
        ) from None


def answers(url: str) -> bool:
    """Whether something listens at the URL's host and port."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=1):
            return True
    except (OSError, ValueError):
        return False


def _only(state_dir: Path) -> Endpoint:
    found = read(state_dir)
    if found is None:
        raise Unavailable(f"no service has been started on {state_dir}", remedy=_START)
    if not answers(found.url):
        raise Unavailable(f"the service at {found.url} does not answer", remedy=_START)
    return found


def _configured(environ: Mapping[str, str]) -> str:
    path = Path(environ.get("PROVISIONER_CONFIG") or _CONFIG)
    if not path.is_file():
        return ""
    import tomllib

    try:
        value = tomllib.loads(path.read_text()).get("state_dir", "")
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise Invalid(f"{path} is not readable as TOML: {error}") from None
    return str(value)
