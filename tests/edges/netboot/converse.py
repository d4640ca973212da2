"""Records conversations of real clients: boots each in a network namespace of its own, against netboot.

    python -m tests.edges.netboot.converse [NAME…]

Writes tests/data/conversations/NAME.txt by `provisioner netboot record`. Needs root, QEMU, OVMF, iPXE,
dnsmasq and busybox; for the others what `loaders` and `machines` name, below PVREC_ROOT where it is set.
What our rows do not serve yet is offered by hand (`first`): the client's side is what is recorded.
"""

import asyncio
import contextlib
import datetime
import http.server
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from provisioner.boot import script
from provisioner.boot.client import Ignore, Local, Question, identify
from provisioner.boot.decide import Offer, decide
from provisioner.boot.loader import canonical
from provisioner.core import urls
from provisioner.core.install import Event
from provisioner.netboot.server import Netboot, NetbootSettings
from tests.edges.netboot.converse_clients import (
    ADDRESS,
    BRIDGE,
    CARD,
    CLIENTS,
    MAC,
    PORT,
    SPACE,
    TAP,
    Boot,
    files,
)

DATA = Path(__file__).parents[2] / "data" / "conversations"
_INSIDE = "PVREC_CONVERSE"
_GRACE = 1.0


def run(*words: str, check: bool = True) -> None:
    subprocess.run(
        words, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if not check else None
    )


def build() -> None:
    clean()
    run("ip", "netns", "add", SPACE)
    inside = ("ip", "-n", SPACE)
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
    run(*inside, "addr", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    run(*inside, "link", "set", BRIDGE, "up")
    run(*inside, "tuntap", "add", TAP, "mode", "tap")
    run(*inside, "link", "set", TAP, "master", BRIDGE)
    run(*inside, "link", "set", TAP, "up")
    run(*inside, "link", "add", "pvrecv", "type", "veth", "peer", "name", CARD)
    run(*inside, "link", "set", "pvrecv", "master", BRIDGE)
    run(*inside, "link", "set", "pvrecv", "up")
    run(*inside, "link", "set", CARD, "address", MAC, "up")


def clean() -> None:
    run("ip", "netns", "del", SPACE, check=False)


class Servers:
    """Netboot and HTTP for one boot. `over` is set once the client has asked for what ends the recording."""

    def __init__(self, boot: Boot) -> None:
        self.boot = boot
        self.files = files()
        self.over = asyncio.Event()
        self.chained = False
        self._loop = asyncio.get_running_loop()

    def decide(self, question: Question, local: Local) -> Offer | Ignore:
        """As our rows have it, but `first` until that was fetched."""
        boot, found = self.boot, identify(question)
        if boot.first and not self.chained and question.vendor_class.startswith(("PXEClient", "HTTPClient")):
            by_http = question.vendor_class.startswith("HTTPClient")
            file = urls.loader(urls.base(local.address, PORT), boot.first) if by_http else boot.first
            kind = "HTTPClient" if by_http else "PXEClient"
            return Offer(file, local.address, kind, skip_discovery=not by_http)
        if isinstance(found, Ignore):
            return found
        offer = decide(found, "netboot", "", urls.base(local.address, PORT), local.address, self.files)
        if boot.discovers and isinstance(offer, Offer):
            return replace(offer, skip_discovery=False)
        return offer

    def file(self, name: str, by: str) -> bytes | None:
        print(f"         {by} {name}", flush=True)
        if self.boot.ends and self.boot.ends in name:
            self._loop.call_soon_threadsafe(self.over.set)
        return self.files.get(canonical(name.removeprefix("/boot/")))

    def emit(self, event: Event) -> None:
        self.chained = self.chained or event.kind.value == "loader.sent"
        print(f"         {event.kind.value}: {event.text}", flush=True)

    def web(self) -> http.server.ThreadingHTTPServer:
        outer = self

        class Web(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                body = outer.file(path, self.command)
                if path == "/boot/ipxe":
                    body = script.stub(urls.base(ADDRESS, PORT)).encode()
                elif path.startswith("/boot/script/"):
                    body = script.disk("this was a recording").encode()
                outer.chained = outer.chained or (self.command == "GET" and body is not None)
                self.send_response(200 if body is not None else 404)
                body = b"there is no such file\n" if body is None else body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - http.server looks for this name

            def handle(self) -> None:
                with contextlib.suppress(ConnectionResetError):  # firmware leaves that way
                    super().handle()

            def log_message(self, *_: object) -> None:
                pass

        return http.server.ThreadingHTTPServer((ADDRESS, PORT), Web)


async def converse(name: str, boot: Boot) -> None:
    """Serves, records and boots, until the client has asked for its last or its time is over."""
    servers = Servers(boot)
    web = servers.web()
    threading.Thread(target=web.serve_forever, daemon=True).start()
    netboot = Netboot(
        NetbootSettings((BRIDGE,)),
        servers.decide,
        lambda asked, _address, _local: servers.file(asked, "TFTP"),
        servers.emit,
        lambda: datetime.datetime.now(datetime.UTC),
    )
    serving = asyncio.create_task(netboot.run())
    words = ["-m", "provisioner", "netboot", "record", BRIDGE, "--mac", MAC, "--for", "400"]
    file = DATA / f"{name}.txt"
    recording = await asyncio.create_subprocess_exec(
        sys.executable, *words, "--about", boot.about, "-w", str(file)
    )
    try:
        await asyncio.sleep(2)
        with tempfile.TemporaryDirectory() as folder:
            guest = await asyncio.create_subprocess_exec(*boot.words(Path(folder)))
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(servers.over.wait(), boot.seconds)
                    await asyncio.sleep(_GRACE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    guest.kill()
                await guest.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):  # a boot that says too much
            recording.send_signal(signal.SIGTERM)  # SIGINT is not heard by a shell's background job
        await recording.wait()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        web.shutdown()
        web.server_close()


def main() -> None:
    if os.environ.get(_INSIDE) != "1":
        build()
        try:
            inside = ["ip", "netns", "exec", SPACE, sys.executable, "-m", "tests.edges.netboot.converse"]
            subprocess.run([*inside, *sys.argv[1:]], env={**os.environ, _INSIDE: "1"}, check=True)
        finally:
            clean()
        return
    dhcp = ["dnsmasq", "-k", "-C", "/dev/null", f"--interface={BRIDGE}", "--bind-interfaces", "--port=0"]
    dhcp += ["--dhcp-range=192.168.177.50,192.168.177.99", "--dhcp-leasefile=/dev/null", "--no-ping"]
    dnsmasq = subprocess.Popen([*dhcp, "--log-facility=/dev/null"])
    DATA.mkdir(exist_ok=True)
    try:
        for name in sys.argv[1:] or CLIENTS:
            print(name, flush=True)
            asyncio.run(converse(name, CLIENTS[name]))
    finally:
        dnsmasq.terminate()
        dnsmasq.wait()


if __name__ == "__main__":
    main()
