"""Our own question from a guest's place: whom it hears, and an address taken as an ordinary host does."""

from collections.abc import Iterator

import pytest

from provisioner.boot.client import PROBE, Question
from provisioner.core.errors import Unavailable
from provisioner.core.segment import Answer
from provisioner.netboot import packet, probe
from provisioner.service.snapshot import Snapshot
from tests.edges.netboot.serving import inside
from tests.edges.netboot.spaces import CLIENT_MAC, Network, needs_namespaces, network
from tests.edges.netboot.test_networks import serving
from tests.fakes import FakeClock
from tests.memory import MemoryStore

OURS = Answer("192.168.181.1", "", "snponly.efi", "192.168.181.1")


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


def ask(net: Network, seconds: float = 1.5) -> list[Answer]:
    return inside(net.client, lambda: probe.answers(net.card, CLIENT_MAC, seconds))


@needs_namespaces
def test_a_silent_segment_has_no_answers(net: Network) -> None:
    assert ask(net, 0.5) == []


@needs_namespaces
def test_a_dhcp_server_and_our_netboot_are_both_heard_and_no_event_is_told(net: Network) -> None:
    with net.dnsmasq(), serving(net) as events:
        lent, ours = sorted(ask(net), key=lambda answer: not answer.address)

    assert (lent.server, lent.file, ours) == ("192.168.181.1", "", OURS)
    assert lent.address.startswith("192.168.181.")
    assert list(events) == []


@needs_namespaces
def test_a_rivals_boot_file_is_heard(net: Network) -> None:
    with net.dnsmasq("--dhcp-boot=pxelinux.0,,192.168.181.9"):
        (rival,) = ask(net)

    assert (rival.file, rival.boot_server) == ("pxelinux.0", "192.168.181.9")


@needs_namespaces
def test_an_address_is_taken_and_kept(net: Network) -> None:
    with net.dnsmasq():
        first = inside(net.client, lambda: probe.lease(net.card, CLIENT_MAC))
        assert first is not None and first.seconds > 0 and first.address.endswith("/24")
        held = first.address.partition("/")[0]
        again = inside(net.client, lambda: probe.lease(net.card, CLIENT_MAC, held))

    assert again is not None and again.address == first.address


@needs_namespaces
def test_where_nobody_lends_there_is_no_address(net: Network) -> None:
    assert inside(net.client, lambda: probe.lease(net.card, CLIENT_MAC, "192.168.181.50", 0.5)) is None


@needs_namespaces
def test_an_interface_that_is_not_there_is_named(net: Network) -> None:
    with pytest.raises(Unavailable, match="no DHCP question can be sent on nobody0"):
        inside(net.client, lambda: probe.answers("nobody0", CLIENT_MAC))


def test_our_question_is_understood_by_ourselves() -> None:
    question = packet.decode(packet.ask(CLIENT_MAC, 7), 67)

    assert isinstance(question, Question)
    assert (question.user_class, question.code, question.mac) == (PROBE, 7, CLIENT_MAC)
    taken = packet.decode(packet.ask(CLIENT_MAC, 7, take="10.0.0.5", server="10.0.0.1"), 67)
    assert isinstance(taken, Question) and (taken.message, taken.requested) == (3, "10.0.0.5")


async def test_it_is_answered_though_nobody_knows_the_machine() -> None:
    from provisioner.boot.client import Ignore, Local
    from provisioner.boot.decide import Offer

    snapshot = Snapshot(MemoryStore(FakeClock()))
    await snapshot.refresh()
    question = packet.decode(packet.ask(CLIENT_MAC, 7), 67)
    assert isinstance(question, Question)
    offer = snapshot.decide(question, Local("br0", "10.0.0.1"))

    assert isinstance(offer, Offer) and offer.file == "snponly.efi"
    stranger = Question(1, CLIENT_MAC, "", question.vendor_class, 7)
    assert isinstance(snapshot.decide(stranger, Local("br0", "10.0.0.1")), Ignore)


@pytest.mark.parametrize("data", [b"", b"\2" * 20, b"\2" + bytes(300), packet.ask(CLIENT_MAC, 7)])
def test_what_is_no_answer_to_us_is_passed_over(data: bytes) -> None:
    assert packet.reply(data) is None
