"""A small service that speaks the API: what the command line is tried on. It remembers what it was asked."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

TOKEN = "a-token-of-the-tests"
AT = "2026-01-02T03:04:0{}+00:00"

INSTALL: dict[str, Any] = {
    "id": "0f3c9a",
    "guest": "web1",
    "mac": "52:54:00:00:00:01",
    "uuid": "11111111-2222-4333-8444-555555555555",
    "profile": "debian12-image",
    "stage": "installing",
    "created": AT.format(0),
    "changed": AT.format(4),
    "generation": 1,
    "answered": AT.format(4),
    "percent": 47,
    "failed_at": None,
    "reason": "",
    "address": "192.168.90.57",
    "resets": 0,
}
GUEST: dict[str, Any] = {
    "name": "web1",
    "uuid": INSTALL["uuid"],
    "state": "running",
    "ours": True,
    "memory": 1024,
    "vcpus": 2,
    "autostart": False,
    "mac": INSTALL["mac"],
    "profile": "debian12-image",
    "install": INSTALL,
    "address": {"ip": "192.168.90.57", "from": "lease"},
    "ssh": "ssh root@192.168.90.57",
}
LOSS: dict[str, Any] = {
    "guest": {**GUEST, "install": {**INSTALL, "stage": "installed"}},
    "profile": "debian12-image",
    "in_use": True,
    "gone": [{"pool": "default", "name": "web1-i1", "capacity": 4_294_967_296, "allocation": 1_200_000_000}],
    "kept": [],
    "nvram": True,
    "plan": {"steps": [], "warnings": [], "xml": "", "first_xml": ""},
}
SNAPSHOT: dict[str, Any] = {
    "guest": "web1",
    "install": "0f3c9a",
    "taken": AT.format(5),
    "disks": ["default/web1-0f3c9a"],
    "nvram": True,
    "state": "kept",
}
RESTORED = {
    "snapshot": SNAPSHOT,
    "seconds": 0.412,
    "answered": "ssh at 192.168.90.57",
    "answered_seconds": 9.71,
}
FOREIGN: dict[str, Any] = {
    **GUEST,
    "name": "their-database",
    "uuid": "99999999-2222-4333-8444-555555555555",
    "ours": False,
    "profile": "",
    "install": None,
    "address": None,
    "ssh": None,
}
PROFILE: dict[str, Any] = {
    "name": "mine",
    "family": "rhel",
    "tree": "centos7",
    "template": "rhel/ks.cfg.j2",
    "release": "7",
    "kernel_args": "",
    "image": "",
    "memory": 2048,
    "vcpus": 1,
    "disk": 4.0,
    "variables": {"timezone": "UTC"},
    "summary": "a profile of one's own",
    "shipped": False,
}
EXPLAINED = {
    "variables": [
        {"name": "lang", "value": "en_US", "origin": "default", "text": "Language"},
        {"name": "ssh_keys", "value": ["one", "two"], "origin": "guest web1", "text": "Keys"},
        {"name": "post", "value": "echo one\necho two", "origin": "profile mine", "text": "A script"},
        {
            "name": "users",
            "value": [{"name": "ann"}, {"name": "bob"}],
            "origin": "host local",
            "text": "Accounts",
        },
        {"name": "luks", "value": "***", "origin": "guest web1", "text": ""},
    ]
}
TREE = {
    "name": "centos7",
    "source": "http://mirror.example/centos/7",
    "family": "rhel",
    "release": "7",
    "kernel": "images/pxeboot/vmlinuz",
    "initrd": "images/pxeboot/initrd.img",
}
IMAGE = {
    "name": "tiny",
    "file": "tiny.tar.zst",
    "sha256": "ab" * 32,
    "size": 14_200_000,
    "unpacked": 31_000_000,
    "tuned": False,
    "summary": "a busybox system",
}
MACHINE = {"name": "rack1", "mac": "52:54:00:aa:bb:cc", "uuid": None, "guest": False, "profile": "centos7"}
NETWORK = {
    "name": "default",
    "mode": "nat",
    "active": True,
    "autostart": True,
    "bridge": "virbr0",
    "parents": [],
    "addresses": ["192.168.122.1/24"],
    "dhcp": True,
    "bootp": "",
    "uuid": "22222222-2222-4333-8444-555555555555",
    "persistent": True,
    "ours": False,
    "ranges": ["192.168.122.2-192.168.122.254"],
    "reserved": [],
}
POOL = {
    "name": "default",
    "active": True,
    "capacity": 10**11,
    "allocation": 10**10,
    "available": 9 * 10**10,
    "path": "/var/lib/libvirt/images",
    "autostart": True,
    "kind": "dir",
    "source": "",
}
PLAN = {
    "steps": [
        "create volume web1-0f3c9a in pool default, 4.0 GiB",
        "define domain web1",
        "start domain web1",
    ],
    "warnings": ["KVM was not proved to work: the guest is emulated"],
    "xml": "<domain type='qemu'>\n  <name>web1</name>\n</domain>\n",
}
DISPLAY = {
    "uri": "vnc://127.0.0.1:5900",
    "loopback": True,
    "locked": True,
    "password": None,
    "expires": None,
}
REMOVAL: dict[str, Any] = {
    "guest": "web1",
    "steps": ["remove domain web1 (…) with its variable store", "delete volume web1-0f3c9a in pool default"],
    "volumes": [
        {"pool": "default", "name": "web1-0f3c9a", "capacity": 4 * 2**30, "allocation": 1_200_000_000}
    ],
    "stays": [],
    "nvram": "",
    "tpm": False,
}
WHY = {
    "install": INSTALL["id"],
    "stage": "failed",
    "last": {"kind": "tree.failed", "at": AT.format(5), "text": "http://mirror.example/centos/7: no route"},
    "missing": "the installer's image",
    "cause": "the tree http://mirror.example/centos/7 cannot be reached",
    "remedy": "curl -I http://mirror.example/centos/7",
    "diagnosis": "tree-unreachable",
    "paragraph": "web1 failed at loading: the tree http://mirror.example/centos/7 cannot be reached. What is "
    "missing is the installer's image. To mend it: curl -I http://mirror.example/centos/7.",
    "evidence": [
        {
            "kind": "tree.failed",
            "at": AT.format(5),
            "source": "http",
            "text": "http://mirror.example/centos/7: no route",
        }
    ],
}
WHY_TOLD = [
    "web1 failed at loading: the tree http://mirror.example/centos/7 cannot be",
    "reached. What is missing is the installer's image. To mend it: curl -I",
    "http://mirror.example/centos/7.",
    "",
    "AT            SOURCE  EVIDENCE",
    "03:04:05.000  http    tree.failed: http://mirror.example/centos/7: no route",
    "",
    "diagnosis  tree-unreachable",
    "stage      failed",
    "remedy     curl -I http://mirror.example/centos/7",
]


def event(number: int, kind: str, text: str = "") -> dict[str, Any]:
    """The event number N happened in second N."""
    return {
        "id": number,
        "kind": kind,
        "at": AT.format(number),
        "source": "test",
        "machine": INSTALL["mac"],
        "install": INSTALL["id"],
        "text": text,
        "data": {},
    }


STORY = [
    event(1, "creating"),
    event(2, "started", "power on"),
    event(3, "script.sent", "boot script by HTTP"),
    event(4, "answer.served", "ks.cfg, whole"),
    event(5, "tree.bytes", "debian12.tar.zst: 45.0 MB of 97.3 MB"),
]


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class Problem:
    """An answer that refuses."""

    status: int
    detail: str
    remedy: str = ""


Reply = object | Callable[[Request], object]


@dataclass
class FakeService:
    """`replies` maps "GET /guests" to JSON, a Problem, or a function of the request that gives one."""

    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    stream: Callable[[web.StreamResponse, int], Awaitable[None]] | None = None
    url: str = ""

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    def last(self) -> Request:
        return self.asked[-1]

    def environment(self) -> Mapping[str, str]:
        return {"PROVISIONER_URL": self.url, "PROVISIONER_TOKEN": TOKEN}

    def _serve(self, ready: threading.Event) -> None:
        self._loop.run_until_complete(self._run(ready))
        self._loop.close()

    async def _run(self, ready: threading.Event) -> None:
        self._ended = asyncio.Event()
        app = web.Application()
        app.router.add_get("/events", self._events)
        app.router.add_route("*", "/api/v1/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await self._ended.wait()
        await asyncio.sleep(0.02)  # whoever knocked a moment ago is let in, and gone, before the door is shut
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        packed = raw and request.content_type != "application/json"
        asked = Request(
            request.method,
            f"/{request.match_info['path']}",
            dict(request.query),
            raw if packed else json.loads(raw) if raw else None,
        )
        self.asked.append(asked)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _problem(Problem(401, "no token, or not the right one"))
        reply = self.replies.get(f"{asked.method} {asked.path}")
        if callable(reply):
            reply = reply(asked)
        match reply:
            case None:
                return _problem(
                    Problem(404, f"there is no {asked.path.rpartition('/')[2]}", "look at a list")
                )
            case Problem():
                return _problem(reply)
            case bytes():
                return web.Response(body=reply)
            case str():
                return web.Response(text=reply, content_type="application/x-ndjson")
            case _:
                return web.json_response(reply)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if self.stream is not None:
            await self.stream(response, int(request.query.get("after", 0)))
        return response


def _problem(problem: Problem) -> web.Response:
    body = {
        "type": "about:blank",
        "title": "refused",
        "status": problem.status,
        "detail": problem.detail,
        "remedy": problem.remedy,
    }
    return web.json_response(body, status=problem.status, content_type="application/problem+json")


def frame(name: str, data: object) -> bytes:
    return f"event: {name}\r\ndata: {json.dumps(data)}\r\n\r\n".encode()
