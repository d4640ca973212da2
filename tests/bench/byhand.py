"""The peer: one guest served by hand: dnsmasq (addresses, boot file, TFTP, advertisement) and nginx."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.lab.networks import HTTP_PORT, bridge, run

DEVICE, PREFIX = "plab5", "10.213.5"
ADDRESS = f"{PREFIX}.2"

NGINX = """
daemon off;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{}}
http {{
  access_log {place}/access.log;
  sendfile on;
  client_body_temp_path {place}; proxy_temp_path {place}; fastcgi_temp_path {place};
  uwsgi_temp_path {place}; scgi_temp_path {place};
  server {{
    listen {address}:{port};
    root {place}/www;
    location /tree/mini/ {{ alias {state}/trees/mini/; }}
    location /tree/images/ {{ alias {state}/images/; }}
    location /report/ {{ return 200; }}
  }}
}}
"""


@contextmanager
def servers(state: Path, place: Path, script: str, answer_path: str, answer: str) -> Iterator[list[int]]:
    """Both servers on a bridge of their own, with these texts; yields their processes."""
    www = place / "www"
    for path, text in (("boot.ipxe", script), (answer_path.lstrip("/"), answer)):
        (www / path).parent.mkdir(parents=True, exist_ok=True)
        (www / path).write_text(text)
    for folder in (place, *(p for p in www.rglob("*") if p.is_dir()), www):
        folder.chmod(0o755)
    (place / "nginx.conf").write_text(NGINX.format(place=place, address=ADDRESS, port=HTTP_PORT, state=state))
    dnsmasq = [
        *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", f"--interface={DEVICE}"),
        *("--except-interface=lo", "--bind-interfaces", "--port=0", "--user=root", "--pid-file"),
        *(f"--dhcp-range={PREFIX}.50,{PREFIX}.99", f"--dhcp-leasefile={place}/leases", "--no-ping"),
        *("--enable-tftp", f"--tftp-root={www}", f"--dhcp-boot=http://{ADDRESS}:{HTTP_PORT}/boot.ipxe"),
        *("--enable-ra", "--dhcp-range=fd74::,ra-only"),
        "--dhcp-option=encap:175,176,1b",  # iPXE's no-pxedhcp: else it waits for a second server's offer
    ]
    with ExitStack() as stack:
        stack.enter_context(bridge(DEVICE, ADDRESS))
        run("ip", "-6", "address", "add", "fd74::1/64", "dev", DEVICE, "nodad")
        children = []
        for name, command in (("dnsmasq", dnsmasq), ("nginx", ["nginx", "-c", f"{place}/nginx.conf"])):
            out = stack.enter_context((place / f"{name}.log").open("w"))
            child = subprocess.Popen(command, stdout=out, stderr=out)
            stack.callback(child.wait)
            stack.callback(child.terminate)
            children.append(child.pid)
        until_listening()
        yield children + workers(children[1])


def until_listening() -> None:
    for _ in range(50):
        if f"{ADDRESS}:{HTTP_PORT}" in run("ss", "-Hltn"):
            return
        time.sleep(0.1)
    raise RuntimeError("nginx does not listen")


def workers(master: int) -> list[int]:
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(pid) for pid in children.split()]


def domain(xml: str, name: str, disk: Path, serial: Path) -> str:
    """The domain of ours made a stranger: name, identity, disk, bridge, serial log; everything else stays."""
    xml = re.sub(r"<metadata>.*?</metadata>", "", xml, flags=re.DOTALL)
    xml = re.sub(r"<name>[^<]+</name>", f"<name>{name}</name>", xml, count=1)
    xml = re.sub(r"<uuid>[^<]+</uuid>", "", xml, count=1)
    xml = re.sub(r"<entry name='uuid'>[^<]+</entry>", "", xml)
    xml = re.sub(r"<mac address='[^']+'/>", "<mac address='52:54:00:00:5a:01'/>", xml)
    xml = re.sub(r"<source bridge='[^']+'/>", f"<source bridge='{DEVICE}'/>", xml)
    xml = re.sub(
        r"(<disk type='(?:file|volume)'.*?)<source [^>]+/>",
        rf"\1<source file='{disk}'/>",
        xml,
        flags=re.DOTALL,
    )
    xml = xml.replace("<disk type='volume'", "<disk type='file'")
    return re.sub(r"(<serial type='file'>\s*)<source [^>]+/>", rf"\1<source path='{serial}'/>", xml)
