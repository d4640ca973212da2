"""The networks that real guests are booted on, each made for the test and removed after it.

`isolated`  a libvirt network whose own DHCP server names our loader (<bootp>); our ProxyDHCP is deaf
`nat`       a libvirt NAT network as it is, our ProxyDHCP beside its DHCP server
`bridge`    a bridge with somebody else's DHCP server on it, in a namespace of its own
`macvtap`   guests on a device whose far end, another namespace, holds DHCP server and service
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HTTP_PORT = 8080
POOL = "plab"
DEAF = 20000
"""Added to the DHCP ports where nobody must hear our ProxyDHCP."""


@dataclass(frozen=True, slots=True)
class Lan:
    """`nic` is what `--network` takes; `device` where the service listens, `address` its own there.

    `netns` is the namespace that the service has to run in, "" for this one.
    """

    name: str
    nic: str
    device: str
    address: str
    netns: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"http://{self.address}:{HTTP_PORT}"


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def virsh(*arguments: str, check: bool = True) -> str:
    return run("virsh", "-q", "-c", "qemu:///system", *arguments, check=check)


@contextmanager
def namespace(name: str) -> Iterator[str]:
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "netns", "del", name, check=False)


@contextmanager
def cable(device: str, netns: str, address: str) -> Iterator[None]:
    """A veth: `device` here, `eth0` with the address in the namespace."""
    run("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", netns)
    try:
        run("ip", "-n", netns, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", netns, "link", "set", "eth0", "up")
        run("ip", "link", "set", device, "up")
        yield
    finally:
        run("ip", "link", "del", device, check=False)


@contextmanager
def bridge(device: str, address: str) -> Iterator[None]:
    run("ip", "link", "add", device, "type", "bridge", "stp_state", "0", "forward_delay", "0")
    try:
        run("ip", "address", "add", f"{address}/24", "dev", device)
        run("ip", "link", "set", device, "up")
        yield
    finally:
        run("ip", "link", "del", device, check=False)


@contextmanager
def dhcp_server(netns: str, prefix: str) -> Iterator[None]:
    """Somebody's dnsmasq: it gives addresses and knows nothing of booting."""
    with tempfile.TemporaryDirectory() as place:
        command = [
            *("ip", "netns", "exec", netns, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null"),
            *("--interface=eth0", "--bind-interfaces", "--port=0", "--user=root", "--pid-file"),
            *(f"--dhcp-range={prefix}.50,{prefix}.99", f"--dhcp-leasefile={place}/leases", "--no-ping"),
        ]
        log = Path(place, "log")
        with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
            try:
                time.sleep(0.3)
                assert server.poll() is None, log.read_text()
                yield
            finally:
                server.terminate()


@contextmanager
def libvirt_network(xml: str) -> Iterator[None]:
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(xml)
        file.flush()
        virsh("net-create", file.name)
    name = xml.split("<name>")[1].split("</name>")[0]
    try:
        yield
    finally:
        virsh("net-destroy", name, check=False)


def _network(
    name: str, device: str, prefix: str, *, forward: str = "", dhcp: str = "", extra: str = ""
) -> str:
    return f"""<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
  <name>{name}</name>{forward}<bridge name='{device}' stp='off' delay='0'/>
  <ip address='{prefix}.1' netmask='255.255.255.0'>
    <dhcp><range start='{prefix}.50' end='{prefix}.99'/>{dhcp}</dhcp>
  </ip>{extra}
</network>"""


@contextmanager
def isolated(rom: bool) -> Iterator[Lan]:
    """Where the card has an iPXE ROM one boot file is enough; UEFI's own client first needs snponly.efi."""
    prefix, device = "10.213.1", "plab1"
    stub = f"http://{prefix}.1:{HTTP_PORT}/boot/ipxe"
    dhcp = f"<bootp file='{stub}' server='{prefix}.1'/>" if rom else ""
    options = (
        "dhcp-userclass=set:ipxe,iPXE",
        f"dhcp-boot=tag:!ipxe,snponly.efi,,{prefix}.1",
        f"dhcp-boot=tag:ipxe,{stub}",
    )
    lines = "".join(f"<dnsmasq:option value='{option}'/>" for option in options)
    extra = "" if rom else f"<dnsmasq:options>{lines}</dnsmasq:options>"
    deaf = {"DHCP_PORT": str(DEAF + 67), "PROXY_PORT": str(DEAF + 4011)}
    with libvirt_network(_network("plab-isolated", device, prefix, dhcp=dhcp, extra=extra)):
        yield Lan("isolated", "network=plab-isolated", device, f"{prefix}.1", settings=deaf)


@contextmanager
def nat(rom: bool) -> Iterator[Lan]:
    del rom
    prefix, device = "10.213.2", "plab2"
    with libvirt_network(_network("plab-nat", device, prefix, forward="<forward mode='nat'/>")):
        yield Lan("nat", "network=plab-nat", device, f"{prefix}.1")


@contextmanager
def bridged(rom: bool) -> Iterator[Lan]:
    del rom
    prefix, device, far = "10.213.3", "plab3", "plab-dhcp"
    with ExitStack() as stack:
        stack.enter_context(bridge(device, f"{prefix}.2"))
        stack.enter_context(namespace(far))
        stack.enter_context(cable("plab3dhcp", far, f"{prefix}.1"))
        run("ip", "link", "set", "plab3dhcp", "master", device)
        stack.enter_context(dhcp_server(far, prefix))
        yield Lan("bridge", f"bridge={device}", device, f"{prefix}.2")


@contextmanager
def macvtap(rom: bool) -> Iterator[Lan]:
    """The parent device has an address too, so that the tests (not the guests) reach the service's API."""
    del rom
    prefix, device, far = "10.213.4", "plab4", "plab-far"
    with ExitStack() as stack:
        stack.enter_context(namespace(far))
        stack.enter_context(cable(device, far, f"{prefix}.1"))
        run("ip", "address", "add", f"{prefix}.2/24", "dev", device)
        stack.enter_context(dhcp_server(far, prefix))
        settings = {"API_ADDRESS": f"{prefix}.1"}
        yield Lan("macvtap", f"type=direct,source={device}", "eth0", f"{prefix}.1", far, settings)


NETWORKS = {"isolated": isolated, "nat": nat, "bridge": bridged, "macvtap": macvtap}
