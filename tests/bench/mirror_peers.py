"""Other servers of files, as they are used: nginx, plain and caching, apt-cacher-ng, FileResponse."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.waiting import descendants, free_port, wait_for_port

_NGINX = """
daemon off;
user root;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  types {{ }}
  default_type application/octet-stream;
  keepalive_requests 1000000;
  client_body_temp_path {place}/body; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi; proxy_temp_path {place}/proxy;
  {around}
  server {{ listen 127.0.0.1:{port} backlog=1024; {inside} }}
}}
"""
_CACHE = "proxy_cache_path {place}/cache levels=1:2 keys_zone=c:10m max_size=10g;"
_LOCK = """
  location / {{
    proxy_pass {origin}; proxy_http_version 1.1;
    proxy_cache c; proxy_cache_valid 200 1h;
    proxy_cache_lock on; proxy_cache_lock_timeout 120s; proxy_cache_lock_age 120s;
  }}
"""
_ACNG = """
CacheDir: {place}/cache
LogDir: {place}/log
BindAddress: 127.0.0.1
Port: {port}
Remap-bench: /bench ; {origin}
ForeGround: 1
PidFile: {place}/pid
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """`root` is the URL above its files, `pids` tells its processes."""

    root: str
    pids: Callable[[], Sequence[int]]


@contextmanager
def nginx(place: Path, folder: Path) -> Iterator[Peer]:
    """It serves a folder."""
    with _nginx(place, "", f"root {folder};") as peer:
        yield peer


@contextmanager
def nginx_cache(place: Path, origin: str) -> Iterator[Peer]:
    """It caches an upstream; of many who ask for one file one fetches, and the others wait for its end."""
    with _nginx(place, _CACHE.format(place=place), _LOCK.format(origin=origin)) as peer:
        yield peer


@contextmanager
def _nginx(place: Path, around: str, inside: str) -> Iterator[Peer]:
    place.mkdir(mode=0o755)
    port = free_port()
    text = _NGINX.format(place=place, port=port, around=around, inside=inside)
    (place / "nginx.conf").write_text(text)
    with _child(["nginx", "-c", f"{place}/nginx.conf"], port) as pids:
        yield Peer(f"http://127.0.0.1:{port}", pids)


@contextmanager
def apt_cacher_ng(place: Path, origin: str) -> Iterator[Peer]:
    port = low_port()
    for name in ("conf", "cache", "log"):
        (place / name).mkdir(parents=True)
    (place / "conf" / "acng.conf").write_text(_ACNG.format(place=place, port=port, origin=origin))
    with _child(["apt-cacher-ng", "-c", f"{place}/conf"], port) as pids:
        yield Peer(f"http://127.0.0.1:{port}/bench", pids)


def low_port(first: int = 31420) -> int:
    """One that is free; apt-cacher-ng takes none above 32767, and asks none."""
    for port in range(first, first + 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


@contextmanager
def file_response(folder: Path) -> Iterator[Peer]:
    port = free_port()
    with _child([sys.executable, "-m", "tests.bench.file_response", str(folder), str(port)], port) as pids:
        yield Peer(f"http://127.0.0.1:{port}", pids)


@contextmanager
def _child(words: Sequence[str], port: int) -> Iterator[Callable[[], Sequence[int]]]:
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            wait_for_port(child, "127.0.0.1", port)
            yield lambda: [child.pid, *descendants(child.pid)]
        finally:
            child.terminate()
