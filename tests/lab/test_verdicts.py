"""From a verdict that fails to a guest that installs: what `network check --repair` says and does, booted.

Both networks are as a site has them, and the service starts without knowing of them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.networks import DEAF, HTTP_PORT, POOL, Lan, cable, dhcp_server, namespace, nat, run
from tests.lab.service import Service, serving, until

UNSERVED = "plab-nobody"
PARENT = "plab5"


@contextmanager
def own_host() -> Iterator[Lan]:
    """A card of this host whose segment has somebody's DHCP server; guests sit on a macvtap of that card."""
    prefix, far = "10.213.5", "plab-far5"
    with ExitStack() as stack:
        stack.enter_context(namespace(far))
        stack.enter_context(cable(PARENT, far, f"{prefix}.1"))
        run("ip", "address", "add", f"{prefix}.2/24", "dev", PARENT)
        stack.enter_context(dhcp_server(far, prefix))
        yield Lan("own-host", f"type=direct,source={PARENT}", UNSERVED, f"{prefix}.2")


@pytest.fixture
def unserved(state: Path, pool: str) -> Iterator[Service]:
    """The service on this machine, serving no interface; the NAT network is libvirt's own, untouched."""
    del pool
    with nat(True) as lan:
        yield from _served(state, replace(lan, device=UNSERVED))


@pytest.fixture
def beside_macvtap(state: Path, pool: str) -> Iterator[Service]:
    del pool
    with own_host() as lan:
        yield from _served(state, lan)


def _served(state: Path, lan: Lan) -> Iterator[Service]:
    with serving(state, lan) as service:
        service.have_image("tiny")
        yield service


def kinds(checked: dict[str, object]) -> list[tuple[str, str]]:
    verdicts = checked["verdicts"]
    assert isinstance(verdicts, list)
    return [(verdict["kind"], verdict["severity"]) for verdict in verdicts]


def listens(address: str) -> bool:
    return f"{address}:{HTTP_PORT}" in run("ss", "-Hltn")


def test_a_repaired_nat_network_installs_a_guest(unserved: Service) -> None:
    service, name = unserved, "plab-repaired"
    bridge, address = "plab2", "10.213.2.1"
    before = service.call("GET", "/networks/plab-nat/check")
    assert kinds(before) == [("unserved", "fail")]
    with pytest.raises(RuntimeError, match="nobody answers PXE on libvirt network plab-nat"):
        service.create(name, disks=[f"size=1,pool={POOL}"])

    begun = time.monotonic()
    child = service.child
    answer = service.call("POST", "/networks/plab-nat/repair", {})
    assert kinds(answer) == [("good", "good")], answer
    assert answer["done"] == [f"proxy on {bridge}"]
    print(f"repaired and checked after {time.monotonic() - begun:.1f} s")
    assert service.child is child and child is not None and child.poll() is None, "nothing was restarted"

    service.create(name, disks=[f"size=1,pool={POOL}"])
    service.wait(name, 420, "first-boot")
    assert service.kinds(name).count("dhcp.offer") >= 1
    service.call("DELETE", f"/guests/{name}")

    service.kill()
    service.start()
    until(lambda: listens(address), 10, "the guests' HTTP after a restart")
    assert [row["kind"] for row in service.call("GET", "/repairs")] == ["proxy"]

    service.call("DELETE", "/networks/plab-nat/repair")
    until(lambda: not listens(address), 20, "the end of the guests' HTTP")
    until(
        lambda: kinds(service.call("GET", "/networks/plab-nat/check")) == [("unserved", "fail")],
        20,
        "netboot's silence",
    )


def test_a_repair_takes_effect_while_the_service_runs(unserved: Service) -> None:
    """Timed from the stored repair to the first answer of each door, without the check that follows it."""
    service = unserved
    service.call("POST", "/networks/plab-nat/repair", {"kind": "proxy"})
    service.call("DELETE", "/networks/plab-nat/repair")
    until(lambda: not listens("10.213.2.1"), 20, "the end of the guests' HTTP")

    import threading

    ask = threading.Thread(target=service.call, args=("POST", "/networks/plab-nat/repair", {"kind": "proxy"}))
    begun = time.monotonic()
    ask.start()
    until(lambda: listens("10.213.2.1"), 20, "the guests' HTTP", 0.02)
    until(lambda: "10.213.2.1:69" in run("ss", "-Hlun"), 20, "TFTP", 0.02)
    took = time.monotonic() - begun
    ask.join()

    print(f"HTTP and TFTP answer {took:.2f} s after the repair was asked for")
    service.call("DELETE", "/networks/plab-nat/repair")


def test_a_guest_on_a_macvtap_of_our_own_host_installs(beside_macvtap: Service) -> None:
    service, name, word = beside_macvtap, "plab-macvlan", f"type=direct,source={PARENT}"
    link = f"pv-{PARENT}"
    begun = time.monotonic()
    before = service.call("GET", f"/networks/{word}/check")
    took = time.monotonic() - begun
    assert kinds(before) == [("own-host", "fail")]
    assert "cannot reach this host itself" in before["verdicts"][0]["sentence"]
    print(f"the macvtap trap is named after {took:.1f} s")

    answer = service.call("POST", f"/networks/{word}/repair", {})
    assert kinds(answer) == [("good", "good")], answer
    assert answer["done"] == [f"macvlan on {link}"]

    service.create(name, disks=[f"size=1,pool={POOL}"])
    service.wait(name, 420, "first-boot")
    service.call("DELETE", f"/guests/{name}")

    held = run("ip", "-br", "-4", "address", "show", link).split()[2]
    service.kill()
    run("ip", "link", "delete", link)
    service.start()
    until(
        lambda: held in run("ip", "-br", "-4", "address", "show", link, check=False), 10, "the macvlan again"
    )
    assert kinds(service.call("GET", f"/networks/{word}/check")) == [("good", "good")]

    run("ip", "link", "add", "plab5other", "link", PARENT, "type", "macvlan", "mode", "bridge")
    service.call("DELETE", f"/networks/{word}/repair")
    left = run("ip", "-br", "link")
    assert link not in left and "plab5other" in left, "only ours goes"
    assert held.partition("/")[0] not in run("ip", "rule"), "no rule is left"


def test_addresses_of_ours_on_a_quiet_bridge_install_a_guest(state: Path, pool: str) -> None:
    """A bridge of the host where nobody gives addresses: our range there, and the child that lends it."""
    del pool
    from tests.lab.networks import bridge

    name, device, address = "plab-lent", "plab6", "10.213.6.1"
    with bridge(device, address):
        lan = Lan("quiet", f"bridge={device}", UNSERVED, address)
        for service in _served(state, lan):
            word = f"bridge={device}"
            assert [kind for kind, _ in kinds(service.call("GET", f"/networks/{word}/check"))] == [
                *("unserved", "no-addresses", "no-uplink"),
            ]
            wish = {"kind": "addresses", "range": "10.213.6.50,10.213.6.59"}
            answer = service.call("POST", f"/networks/{word}/repair", wish)
            assert answer["good"], answer

            service.create(name, disks=[f"size=1,pool={POOL}"])
            service.wait(name, 420, "first-boot")
            service.call("DELETE", f"/guests/{name}")

            service.kill()
            until(lambda: not _lenders(device), 5, "the end of the killed service's dnsmasq", 0.05)
            service.start()
            until(lambda: bool(_lenders(device)), 10, "our dnsmasq again")
            service.call("DELETE", f"/networks/{word}/repair")
            assert not _lenders(device)


@pytest.mark.parametrize("kind", ["options", "bootp"])
def test_boot_files_in_the_network_alone_install_a_guest(
    kind: str, state: Path, pool: str, request: pytest.FixtureRequest
) -> None:
    """Nobody hears our ProxyDHCP here: libvirt's own dnsmasq names the file, for UEFI's own PXE too."""
    del pool
    if not request.config.getoption("--every-cell"):
        pytest.skip("one of --every-cell")
    name = f"plab-{kind}"
    deaf = {"DHCP_PORT": str(DEAF + 67), "PROXY_PORT": str(DEAF + 4011)}
    with nat(True) as lan:
        for service in _served(state, replace(lan, device=UNSERVED, settings=deaf)):
            answer = service.call("POST", "/networks/plab-nat/repair", {"kind": kind})
            assert kinds(answer) == [("good", "good")], answer

            firmware = {"boot": "uefi", "rom": False} if kind == "options" else {"boot": "bios"}
            service.create(name, disks=[f"size=1,pool={POOL}"], **firmware)
            service.wait(name, 420, "first-boot")
            assert "dhcp.offer" not in service.kinds(name)
            service.call("DELETE", f"/guests/{name}")
            service.call("DELETE", "/networks/plab-nat/repair")


def _lenders(device: str) -> list[str]:
    words = f"--interface={device}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words in line and os.path.basename(line[0]) == b"dnsmasq":
            found.append(entry.name)
    return found
