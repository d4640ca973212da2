"""Records what real firmware sends: boots QEMU guests in a network namespace of their own against netboot.

    python -m tests.edges.netboot.record [CLIENT…]

Writes tests/data/packets/<client>-<number>.bin and index.json. Needs root, QEMU, OVMF, dnsmasq, busybox.
"""

import asyncio
import contextlib
import datetime
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.boot import script
from provisioner.boot.client import Client, Ignore, Local, Question, identify
from provisioner.boot.decide import Offer, decide
from provisioner.boot.loader import pick
from provisioner.core import urls
from provisioner.core.firmware import LOADERS
from provisioner.core.install import Event
from provisioner.netboot.server import Netboot, NetbootSettings

SPACE, BRIDGE, TAP, ADDRESS, PORT = "pvrec", "pvrec0", "pvrectap", "192.168.177.1", 8080
DATA = Path(__file__).parents[2] / "data" / "packets"
MAC = "52:54:00:7e:57:01"
UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
OVMF = ("-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd")


@dataclass(frozen=True)
class Guest:
    says: str
    device: str = "virtio-net-pci,netdev=n0,mac=" + MAC + ",bootindex=1"
    uefi: bool = False
    more: tuple[str, ...] = ()
    chain: str = ""
    """A loader that is offered to iPXE once, as plain firmware would get it."""
    discovers: bool = False
    """Offered without option 43, so that it asks port 4011."""


SERIAL = ("-smbios", "type=1,serial=abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNO-")
NO_PXE = tuple(
    word
    for family in ("IPv4", "IPv6")
    for word in ("-fw_cfg", f"name=opt/org.tianocore/{family}PXESupport,string=n")
)
GUESTS = {
    "bios-rom": Guest("SeaBIOS, the network card's iPXE ROM"),
    "bios-undionly": Guest("SeaBIOS, iPXE ROM, then undionly.kpxe", chain="undionly.kpxe"),
    "uefi-rom": Guest("OVMF, the network card's iPXE ROM", uefi=True),
    "uefi-pxe": Guest("OVMF's own PXE, then snponly.efi", Guest.device + ",romfile=", uefi=True),
    "uefi-4011": Guest(
        "OVMF's own PXE, which asks port 4011", Guest.device + ",romfile=", True, discovers=True
    ),
    "uefi-http": Guest("OVMF's HTTP Boot, then snponly.efi", Guest.device + ",romfile=", True, NO_PXE),
}
SYSTEMS = {
    "udhcp": ("busybox udhcpc", ()),
    "d-i": ("busybox udhcpc with debian-installer's vendor class", ("-V", "d-i")),
    "anaconda": ("busybox udhcpc with Anaconda's vendor class", ("-V", "anaconda-Linux 6.1.0 x86_64")),
}


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
    run(*inside, "link", "add", "pvrecv", "type", "veth", "peer", "name", "pvrecw")
    run(*inside, "link", "set", "pvrecv", "master", BRIDGE)
    run(*inside, "link", "set", "pvrecv", "up")
    run(*inside, "link", "set", "pvrecw", "address", MAC, "up")


def clean() -> None:
    run("ip", "netns", "del", SPACE, check=False)


class Recorder:
    """Sniffs the bridge for questions, as the network card hands them over."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.rows: list[dict[str, object]] = []
        self.seen: set[tuple[int, bytes]] = set()
        self.began = time.monotonic()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((BRIDGE, 0x0800))

    def read(self) -> None:
        frame = self.socket.recv(4096)
        header = (frame[14] & 15) * 4
        if frame[23] != 17:
            return
        udp = frame[14 + header :]
        port, length = int.from_bytes(udp[2:4], "big"), int.from_bytes(udp[4:6], "big")
        payload = udp[8:length]
        request = port == 69 or (port in (67, 4011) and payload[:1] == b"\1")
        # A repeat differs in its seconds and transaction only.
        key = (port, payload[:4] + payload[12:] if port != 69 else payload)
        if not request or key in self.seen:
            return
        self.seen.add(key)
        file = f"{self.client}-{len(self.rows) + 1}.bin"
        (DATA / file).write_bytes(payload)
        at = round(time.monotonic() - self.began, 1)
        print(f"  {at:6.1f} {file} port {port} {len(payload)} bytes", flush=True)
        self.rows.append({"file": file, "port": port})


async def answer(recorder: Recorder, guest: Guest | None, client: str) -> None:
    """Runs netboot and the client until the machine's script was asked for."""
    loaders = {name: (Path("/usr/lib/ipxe") / name).read_bytes() for name in LOADERS}
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    chained = False

    def decided(question: Question, local: Local) -> Offer | Ignore:
        found = identify(question)
        if isinstance(found, Ignore):
            return found
        if guest is not None and guest.chain and not chained:
            found = Client(found.mac, found.uuid, found.firmware, ipxe=False)
        offer = decide(found, "netboot", "", urls.base(local.address, PORT), local.address, LOADERS)
        if guest is not None and guest.discovers and isinstance(offer, Offer):
            return replace(offer, skip_discovery=False)
        return offer

    def emit(event: Event) -> None:
        nonlocal chained
        chained = chained or event.kind.value == "loader.sent"
        print(
            f"         {event.kind.value}: {event.text} {dict(event.data) if event.source == 'tftp' else ''}",
            flush=True,
        )

    class Web(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            print(f"         {self.command} {self.path} {self.headers.get('User-Agent')}", flush=True)
            if path == "/boot/ipxe":
                body: bytes | None = script.stub(urls.base(ADDRESS, PORT)).encode()
            elif path.startswith("/boot/script/"):
                body = script.disk("this was a recording").encode()
                loop.call_soon_threadsafe(asked.set)
            else:
                body = pick(path.removeprefix("/boot/"), loaders)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET" and body:
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - http.server looks for this name

        def handle(self) -> None:
            with contextlib.suppress(ConnectionResetError):  # firmware leaves that way
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((ADDRESS, PORT), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    netboot = Netboot(
        NetbootSettings((BRIDGE,)),
        decided,
        lambda name, _address, _local: pick(name, loaders),
        emit,
        lambda: datetime.datetime.now(datetime.UTC),
    )
    serving = asyncio.create_task(netboot.run())
    loop.add_reader(recorder.socket, recorder.read)
    try:
        with tempfile.TemporaryDirectory() as folder:
            words = system(client) if guest is None else machine(guest, Path(folder))
            process = await asyncio.create_subprocess_exec(*words)
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asked.wait(), 6 if guest is None else 150)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    finally:
        loop.remove_reader(recorder.socket)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        server.shutdown()
        server.server_close()


def machine(guest: Guest, folder: Path) -> list[str]:
    words = ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-m", "512", "-display", "none", "-uuid", UUID]
    words += ["-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no", "-device", guest.device]
    words += ["-serial", f"file:{folder / 'serial'}", "-monitor", "none", *SERIAL, *guest.more]
    if guest.uefi:
        variables = shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", folder)
        words += [*OVMF, "-drive", f"if=pflash,format=raw,file={variables}"]
    return words


def system(client: str) -> list[str]:
    return ["busybox", "udhcpc", "-i", "pvrecw", "-f", "-q", "-n", "-s", "/bin/true", *SYSTEMS[client][1]]


def main() -> None:
    if os.environ.get("PVREC_INSIDE") != "1":
        build()
        try:
            inside = ["ip", "netns", "exec", SPACE, sys.executable, "-m", "tests.edges.netboot.record"]
            subprocess.run([*inside, *sys.argv[1:]], env={**os.environ, "PVREC_INSIDE": "1"}, check=True)
        finally:
            clean()
        return
    dhcp = ["dnsmasq", "-k", "-C", "/dev/null", f"--interface={BRIDGE}", "--bind-interfaces", "--port=0"]
    dhcp += [
        "--dhcp-range=192.168.177.50,192.168.177.99",
        "--dhcp-leasefile=/dev/null",
        "--log-facility=/dev/null",
    ]
    dnsmasq = subprocess.Popen(dhcp)
    index_file = DATA / "index.json"
    index = json.loads(index_file.read_text()) if index_file.exists() else {}
    try:
        for client in sys.argv[1:] or [*GUESTS, *SYSTEMS]:
            print(client, flush=True)
            recorder = Recorder(client)
            asyncio.run(answer(recorder, GUESTS.get(client), client))
            says = GUESTS[client].says if client in GUESTS else SYSTEMS[client][0]
            index[client] = {"client": says, "packets": recorder.rows}
    finally:
        dnsmasq.terminate()
        dnsmasq.wait()
    index_file.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
