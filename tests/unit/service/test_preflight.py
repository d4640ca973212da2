from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.host import Domain, HostFacts, Network
from provisioner.service.preflight import judge, network_verdict
from tests.fakes import FACTS

SERVED = {"virbr0": "192.168.122.1", "lab0": "10.0.0.1"}
SPEC = GuestSpec(
    "web1",
    "tiny",
    "00000000-0000-4000-8000-000000000001",
    nics=(Nic("network", "default", "52:54:00:00:00:01"),),
)


def host(network: Network | None = None, **changes: object) -> HostFacts:
    facts: HostFacts = replace(FACTS, **changes)  # type: ignore[arg-type]
    return replace(facts, networks=(*facts.networks, network)) if network else facts


NAT = Network("lab", "nat", True, bridge="virbr7", dhcp=True)

GOOD = {
    "the default network that we serve": (Nic("network", "default"), host()),
    "its bridge by name": (Nic("bridge", "virbr0"), host()),
    "a bridge that we serve": (Nic("bridge", "lab0"), host(bridges=("lab0",))),
    "a libvirt network on a bridge of the host": (
        Nic("network", "lan"),
        host(Network("lan", "bridge", True, bridge="lab0")),
    ),
}


@pytest.mark.parametrize(("nic", "facts"), GOOD.values(), ids=GOOD)
def test_where_pxe_is_answered_nothing_is_said(nic: Nic, facts: HostFacts) -> None:
    assert network_verdict(nic, facts, SERVED) == ()


def test_a_macvtap_by_its_device_is_told_of() -> None:
    (told,) = network_verdict(Nic("direct", "eth0"), host(), SERVED)

    assert "macvtap on eth0: a guest there cannot reach this host itself" in told
    assert "provisioner network check type=direct,source=eth0 --repair" in told
    assert network_verdict(Nic("direct", "eth0"), host(), {**SERVED, "pv-eth0": "192.0.2.9"}) == ()


REFUSED = {
    "a nat network that nobody serves": (
        Nic("network", "lab"),
        host(NAT),
        "nobody answers PXE on libvirt network lab (bridge virbr7); netboot is answered on: lab0, virbr0",
    ),
    "an isolated network that nobody serves": (
        Nic("network", "lab"),
        host(replace(NAT, mode="isolated")),
        "nobody answers PXE on libvirt network lab (bridge virbr7); netboot is answered on: lab0, virbr0",
    ),
    "a bridge that nobody serves": (
        Nic("bridge", "virbr7"),
        host(bridges=("virbr7",)),
        "nobody answers PXE on bridge virbr7; netboot is answered on: lab0, virbr0",
    ),
}


@pytest.mark.parametrize(("nic", "facts", "sentence"), REFUSED.values(), ids=REFUSED)
def test_where_nobody_answers_pxe_the_repair_is_named(nic: Nic, facts: HostFacts, sentence: str) -> None:
    with pytest.raises(Conflict) as caught:
        network_verdict(nic, facts, SERVED)

    assert str(caught.value) == sentence
    word = nic.source if nic.kind == "network" else f"bridge={nic.source}"
    assert caught.value.remedy == f"provisioner network check {word} --repair"


WARNED = {
    "bootp that leads elsewhere": (
        Nic("network", "lab"),
        host(replace(NAT, bootp="pxelinux.0")),
        "network lab names its own boot file pxelinux.0, and nobody answers PXE on its bridge virbr7",
    ),
    "no addresses": (
        Nic("network", "lab"),
        host(replace(NAT, bridge="lab0", dhcp=False)),
        "network lab gives no addresses: without another DHCP server on its bridge lab0",
    ),
    "a macvtap network": (
        Nic("network", "tap"),
        host(Network("tap", "bridge", True, parents=("eth0",))),
        "network tap is macvtap on eth0: a guest there cannot reach this host itself",
    ),
    "another machine": (
        Nic("bridge", "br9"),
        host(uri="qemu+ssh://far.example/system", bridges=("br9",)),
        "qemu+ssh://far.example/system is another machine",
    ),
}


@pytest.mark.parametrize(("nic", "facts", "sentence"), WARNED.values(), ids=WARNED)
def test_what_may_go_wrong_is_said(nic: Nic, facts: HostFacts, sentence: str) -> None:
    told = network_verdict(nic, facts, SERVED)

    assert len(told) == 1
    assert told[0].startswith(sentence)


def test_more_memory_than_the_host_has_left_is_said() -> None:
    busy = Domain("db", "u", "running", ours=False, memory=16000)
    off = Domain("old", "v", "shut off", ours=False, memory=16000)

    assert judge(SPEC, replace(FACTS, domains=(off,)), SERVED) == ()
    assert judge(SPEC, replace(FACTS, domains=(busy, off)), SERVED) == (
        "with web1 the guests of this host may use 17024 MiB of its 16384 MiB",
    )
