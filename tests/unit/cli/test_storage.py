"""Pools, volumes and media on the command line: what is asked, what is printed, what is refused and how."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.progress import line
from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner, misused, told_once
from tests.unit.cli.fake import FakeService, Problem

V: dict[str, Any] = {
    "pool": "default",
    "name": "v",
    "path": "/var/lib/libvirt/images/v",
    "format": "qcow2",
    "capacity": 4 * 1024**3,
    "allocation": 200_000,
    "backing": "",
}
M: dict[str, Any] = {
    "name": "x.iso",
    "path": "/var/lib/provisioner/media/x.iso",
    "kind": "iso",
    "size": 700_000_000,
    "format": "iso",
    "virtual_size": 700_000_000,
    "packed": "",
    "own": True,
    "note": "CentOS 7 x86_64",
    "tree": "centos7",
}
SHOWN = [
    "name      v",
    "pool      default",
    "format    qcow2",
    "capacity  4.3 GB",
    "on disk   200.0 kB",
    "path      /var/lib/libvirt/images/v",
]
POOL = [
    "name       default",
    "type       dir",
    "active     yes",
    "autostart  yes",
    "path       /var/lib/libvirt/images",
    "capacity   100.0 GB",
    "used       10.0 GB",
    "free       90.0 GB",
]
VOLUMES, VOLUME = "/pools/default/volumes", "/pools/default/volumes/v"

# words, replies, what the last request was, its body, lines of stdout
GOOD: list[tuple[str, dict[str, Any], str, Any, list[str]]] = [
    ("pool show default", {"GET /pools/default": fake.POOL}, "GET /pools/default", None, POOL),
    (
        "pool create fast --path /srv/fast",
        {"POST /pools": fake.POOL},
        "POST /pools",
        {"name": "fast", "kind": "dir", "path": "/srv/fast"},
        POOL,
    ),
    (
        "pool create nas --type netfs --path /srv/nas --source /export --host nas --no-autostart",
        {"POST /pools": fake.POOL},
        "POST /pools",
        {
            "name": "nas",
            "kind": "netfs",
            "path": "/srv/nas",
            "source": "/export",
            "host": "nas",
            "autostart": False,
        },
        POOL,
    ),
    (
        "pool start default",
        {"POST /pools/default/start": fake.POOL},
        "POST /pools/default/start",
        None,
        [],
    ),
    (
        "pool delete default -y",
        {"GET /pools/default": fake.POOL, "DELETE /pools/default": {"done": "x", "volumes": []}},
        "DELETE /pools/default",
        None,
        [],
    ),
    (
        "volume list default",
        {f"GET {VOLUMES}": [V]},
        f"GET {VOLUMES}",
        None,
        [
            "NAME  FORMAT  CAPACITY   ON DISK  BACKING  PATH",
            "v     qcow2     4.3 GB  200.0 kB  -        /var/lib/libvirt/images/v",
        ],
    ),
    ("volume show default v", {f"GET {VOLUME}": V}, f"GET {VOLUME}", None, SHOWN),
    (
        "volume create default v 4G",
        {f"POST {VOLUMES}": V},
        f"POST {VOLUMES}",
        {"name": "v", "format": "qcow2", "capacity": 4 * 1024**3},
        SHOWN,
    ),
    (
        "volume create default v --backing base",
        {f"POST {VOLUMES}": V},
        f"POST {VOLUMES}",
        {"name": "v", "format": "qcow2", "backing": "base"},
        SHOWN,
    ),
    (
        "volume create default v 1.5T --clone w --format raw",
        {f"POST {VOLUMES}": V},
        f"POST {VOLUMES}",
        {"name": "v", "format": "raw", "capacity": 3 * 1024**4 // 2, "clone": "w"},
        SHOWN,
    ),
    (
        "volume resize default v 20g",
        {f"PUT {VOLUME}/size": V},
        f"PUT {VOLUME}/size",
        {"capacity": 20 * 1024**3},
        SHOWN,
    ),
    (
        "volume delete default v -y",
        {f"GET {VOLUME}": V, f"DELETE {VOLUME}": {"done": "x"}},
        f"DELETE {VOLUME}",
        None,
        [],
    ),
    (
        "media list",
        {"GET /media": [M]},
        "GET /media",
        None,
        [
            "NAME   KIND  FORMAT      SIZE      DISK  TREE     NOTE",
            "x.iso  iso   iso     700.0 MB  700.0 MB  centos7  CentOS 7 x86_64",
        ],
    ),
    (
        "media show x.iso",
        {"GET /media/x.iso": M},
        "GET /media/x.iso",
        None,
        [
            "name    x.iso",
            "path    /var/lib/provisioner/media/x.iso",
            "kind    iso",
            "format  iso",
            "size    700.0 MB",
            "disk    700.0 MB",
            "tree    centos7",
            "note    CentOS 7 x86_64",
        ],
    ),
    ("media remove x.iso", {"DELETE /media/x.iso": {"done": "x"}}, "DELETE /media/x.iso", None, []),
]

FULL = Problem(409, "volume v takes 70.0 GiB, more than pool default has left", "make room")
BAD: list[tuple[str, dict[str, Any]]] = [
    ("pool show nothing", {}),
    ("pool create x", {"POST /pools": Problem(422, "pool x: '' is not an absolute path")}),
    ("pool start nothing", {}),
    ("pool delete nothing -y", {}),
    ("pool delete default", {"GET /pools/default": fake.POOL}),
    ("pool delete default --delete-files", {"GET /pools/default": fake.POOL, f"GET {VOLUMES}": [V]}),
    ("volume list nothing", {}),
    ("volume show default nothing", {}),
    ("volume create default v 70G", {f"POST {VOLUMES}": FULL}),
    ("volume upload default v /etc/hostname", {f"PUT {VOLUME}/content": FULL}),
    ("volume upload default v /dev/null", {}),
    ("volume download default nothing /tmp/never", {}),
    ("volume resize default v 1M", {f"PUT {VOLUME}/size": Problem(422, "it would cut its content off")}),
    ("volume delete default nothing -y", {}),
    ("volume delete default v", {f"GET {VOLUME}": V}),
    ("media list", {"GET /media": Problem(503, "the folder is away")}),
    ("media show nothing", {}),
    ("media add /etc/hostname", {"PUT /media/hostname": Problem(422, "image hostname is evil", "do not")}),
    ("media remove nothing", {}),
]

USAGE = (
    "pool create",
    "pool create x --type zfs",
    "pool delete",
    "volume list",
    "volume create default v",
    "volume create default v much",
    "volume create default v 4",
    "volume create default v -4G",
    "volume create default v 4G --format vmdk",
    "volume upload default v /nowhere/x",
    "volume upload default v /etc",
    "volume download default v /etc/hostname",
    "volume resize default v",
    "volume resize default v large",
    "media add /nowhere/x",
    "media add",
)


@pytest.mark.parametrize(("words", "replies", "asked", "body", "lines"), GOOD, ids=[row[0] for row in GOOD])
def test_good(
    service: FakeService,
    provisioner: Provisioner,
    words: str,
    replies: dict[str, Any],
    asked: str,
    body: Any,
    lines: list[str],
) -> None:
    service.replies = replies

    ran = provisioner(*words.split())

    assert (ran.code, ran.out.splitlines()) == (0, lines), ran.err
    assert (f"{service.last().method} {service.last().path}", service.last().body) == (asked, body)


@pytest.mark.parametrize(("words", "replies"), BAD, ids=[row[0] for row in BAD])
def test_bad(service: FakeService, provisioner: Provisioner, words: str, replies: dict[str, Any]) -> None:
    service.replies = replies

    told_once(provisioner(*words.split()))


@pytest.mark.parametrize("words", USAGE)
def test_usage(service: FakeService, provisioner: Provisioner, words: str) -> None:
    misused(provisioner(*words.split()), service)


def test_a_host_is_named_in_the_query(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /pools/p/volumes": [], "DELETE /pools/p": {}, "GET /pools/p": fake.POOL}

    provisioner("volume", "list", "p", "-c", "qemu+ssh://other/system")
    assert service.last().query == {"connect": "qemu+ssh://other/system"}
    service.replies["GET /pools/p/volumes"] = [V]
    provisioner("pool", "delete", "p", "-y", "--delete-files", "-c", "u")
    assert service.last().query == {"connect": "u", "delete_files": "1"}


def test_what_goes_with_a_pool_is_said_before(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /pools/default": fake.POOL, f"GET {VOLUMES}": [V]}

    ran = provisioner("pool", "delete", "default", "--delete-files")

    assert "Pool default at /var/lib/libvirt/images and its 1 volumes will be deleted: v." in ran.err
    assert service.last().method == "GET"


def test_a_file_is_sent_whole(service: FakeService, provisioner: Provisioner, tmp_path: Path) -> None:
    content = os.urandom(900_000)
    (tmp_path / "x.iso").write_bytes(content)
    service.replies = {"PUT /pools/default/volumes/v/content": V, "PUT /media/y.iso": M}

    assert provisioner("volume", "upload", "default", "v", str(tmp_path / "x.iso"), "--overwrite").code == 0
    assert (service.last().body, service.last().query) == (content, {"overwrite": "1"})
    assert provisioner("media", "add", str(tmp_path / "x.iso"), "--name", "y.iso").code == 0
    assert service.last().body == content


def test_what_is_fetched_has_holes_and_comes_whole(
    service: FakeService, provisioner: Provisioner, tmp_path: Path
) -> None:
    content = b"begin" + bytes(20 * 1024 * 1024) + b"end"
    service.replies = {f"GET {VOLUME}/content": content}
    out = tmp_path / "out"

    assert provisioner("volume", "download", "default", "v", str(out)).code == 0
    assert out.read_bytes() == content
    assert out.stat().st_blocks * 512 < 1024 * 1024
    assert provisioner("volume", "download", "default", "v", str(out)).code == 2
    assert provisioner("volume", "download", "default", "v", str(out), "--force").code == 0
    assert [path.name for path in tmp_path.iterdir() if path.name != "state"] == ["out"]


def test_on_a_terminal_bytes_and_speed_are_shown(service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 900_000)
    service.replies = {"PUT /media/x": M}
    ours, theirs = pty.openpty()
    code = (
        "import sys; from provisioner.__main__ import main; sys.argv = ['provisioner', *sys.argv[1:]]; main()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, "media", "add", str(tmp_path / "x")],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env=os.environ.copy(),
    )
    os.close(theirs)
    assert child.wait(60) == 0

    said = os.read(ours, 10_000).decode()

    os.close(ours)
    assert "adding x: 100 %  900.0 kB of 900.0 kB  " in said
    assert line("x", 5, 10, 2.0) == "x: 50 %  5 B of 10 B  2 B/s"
