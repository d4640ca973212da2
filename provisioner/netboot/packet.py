"""DHCP on the wire: bytes to a `Question`, an `Offer` to bytes. The only user of pydhcp.

pydhcp's codec is liberal, so what must hold is checked here; whatever it raises becomes an `Ignore`.
"""

import ipaddress
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pydhcp.options import DHCPOptions
from pydhcp.packet import DHCPFlags, DHCPMessage, DHCPOpcode

from provisioner.boot.client import DISCOVER, PROBE, REQUEST, Ignore, Question
from provisioner.boot.decide import LONGEST_FILE, Offer
from provisioner.core.errors import Invalid
from provisioner.core.segment import Answer

_OFFER = 2
_ACK = 5
_LARGEST = 4096
_IPXE_HTTP = 0x13
# Option 43, sub-option 6 (discovery control), bit 3: take the boot file of this packet and ask nobody else.
_SKIP_DISCOVERY = bytes((6, 1, 8, 255))
_IDENTITY = b"\xe7" * 16
"""Stands for a machine's UUID where no packet has the like otherwise."""


def decode(data: bytes, port: int) -> Question | Ignore:
    """The question in a datagram that came to our `port`, or why it holds none."""
    if len(data) > _LARGEST:
        return Ignore("a DHCP packet over 4096 bytes")
    try:
        return _question(DHCPMessage.decode(data), port)
    except Exception as error:  # a codec's slip on hostile bytes is the sender's fault, never an end of ours
        return Ignore(f"not a DHCP packet: {error}")


def mac(data: bytes) -> str:
    """Where a packet of Ethernet has its sender's address (RFC 2131, chaddr), whatever the rest of it is."""
    return data[28:34].hex(":")


def encode(question: Question, offer: Offer) -> bytes:
    """OFFER to a DISCOVER, ACK to a REQUEST; never an address in it. Raises Invalid for a file too long."""
    if len(offer.file.encode()) > LONGEST_FILE:
        raise Invalid(f"the boot file name {offer.file} is over {LONGEST_FILE} bytes; use a shorter one")
    form, at = _form(_OFFER if question.message == DISCOVER else _ACK, offer, identified=bool(question.uuid))
    identity = bytes.fromhex(question.uuid.replace("-", ""))
    xid, chaddr = question.xid.to_bytes(4, "big"), bytes.fromhex(question.mac.replace(":", ""))
    return b"".join((form[:4], xid, form[8:28], chaddr, form[34:at], identity, form[at + len(identity) :]))


@lru_cache(256)
def _form(kind: int, offer: Offer, *, identified: bool) -> tuple[bytes, int]:
    """What all whose question gets that offer are sent, and where in it the identity (option 97) stands."""
    server = ipaddress.IPv4Address(offer.server)
    options = DHCPOptions()
    options[53] = bytes((kind,))
    options[54] = server.packed
    options[60] = offer.vendor_class.encode()
    if identified:
        options[97] = b"\0" + _IDENTITY
    if offer.skip_discovery:
        options[43] = _SKIP_DISCOVERY
    message = DHCPMessage(
        DHCPOpcode.BOOTREPLY,
        flags=DHCPFlags.BROADCAST,
        siaddr=server,
        chaddr=bytes(6),
        file=offer.file,
        options=options,
    )
    form = message.encode()
    return form, form.index(_IDENTITY) if identified else len(form)


def ask(mac: str, xid: int, *, take: str = "", server: str = "") -> bytes:
    """A PXE client's DISCOVER; with `take` the REQUEST for that address (of `server`).

    A REQUEST is an ordinary host's, which wants no boot file.
    """
    options = DHCPOptions()
    options[53] = bytes((REQUEST if take else DISCOVER,))
    options[55] = bytes((1, 3, 43, 54, 60, 66, 67))
    options[57] = (1472).to_bytes(2, "big")
    if take:
        options[50] = ipaddress.IPv4Address(take).packed
        if server:
            options[54] = ipaddress.IPv4Address(server).packed
    else:
        options[60] = b"PXEClient:Arch:00007:UNDI:003000"
        options[77] = PROBE.encode()
        options[93] = (7).to_bytes(2, "big")
        options[94] = bytes((1, 3, 0))
        options[97] = b"\0" + uuid.uuid5(uuid.NAMESPACE_OID, mac).bytes
    message = DHCPMessage(
        DHCPOpcode.BOOTREQUEST,
        xid=xid,
        flags=DHCPFlags.BROADCAST,
        chaddr=bytes.fromhex(mac.replace(":", "")),
        options=options,
    )
    return message.encode()


@dataclass(frozen=True, slots=True)
class Reply:
    """An OFFER or ACK (`message`, option 53) to the machine `mac`.

    `netboots` is that it speaks of PXE or HTTP boot (option 60).
    """

    message: int
    mac: str
    xid: int
    answer: Answer
    netmask: str
    seconds: int
    netboots: bool


def reply(data: bytes) -> Reply | None:
    """What a DHCP server answered, None for what is no OFFER and no ACK."""
    try:
        message = DHCPMessage.decode(data)
        options = message.options
        if message.op is not DHCPOpcode.BOOTREPLY:
            return None
        if _raw(options, 53) not in (bytes((_OFFER,)), bytes((_ACK,))):
            return None
        file = _raw(options, 67) or _file(data)
        return Reply(
            _raw(options, 53)[0],
            message.chaddr.hex(":"),
            message.xid,
            Answer(
                server=_address(_raw(options, 54)),
                address=str(message.yiaddr) if int(message.yiaddr) else "",
                file=_text(file),
                boot_server=str(message.siaddr) if int(message.siaddr) else "",
            ),
            netmask=_address(_raw(options, 1)),
            seconds=int.from_bytes(_raw(options, 51), "big"),
            netboots=_text(_raw(options, 60)).startswith(("PXEClient", "HTTPClient")),
        )
    except Exception:  # a codec's slip on hostile bytes is no answer
        return None


def _file(data: bytes) -> bytes:
    """The boot file field as it stands in the packet."""
    return data[108:236].split(b"\0")[0]


def _address(raw: bytes) -> str:
    return str(ipaddress.IPv4Address(raw)) if len(raw) == 4 else ""


def _question(message: DHCPMessage, port: int) -> Question | Ignore:
    if message.op is not DHCPOpcode.BOOTREQUEST:
        return Ignore("a reply, not a question")
    if int(message.htype) != 1 or len(message.chaddr) != 6 or message.chaddr[0] & 1:
        return Ignore("no Ethernet address")
    options = message.options
    kind = _raw(options, 53)
    if len(kind) != 1:
        return Ignore("BOOTP without DHCP")
    identity = _raw(options, 97)
    if identity and (len(identity) != 17 or identity[0] != 0):
        return Ignore("option 97 is malformed")
    code = _raw(options, 93)
    requested = _raw(options, 50)
    return Question(
        message=kind[0],
        mac=message.chaddr.hex(":"),
        uuid=str(uuid.UUID(bytes=identity[1:])) if identity else "",
        vendor_class=_text(_raw(options, 60)),
        code=int.from_bytes(code[:2], "big") if len(code) >= 2 else None,
        user_class=_user_class(_raw(options, 77)),
        ipxe_features=any(tag == _IPXE_HTTP for tag, _ in _suboptions(_raw(options, 175))),
        xid=message.xid,
        ciaddr=str(message.ciaddr) if int(message.ciaddr) else "",
        requested=str(ipaddress.IPv4Address(requested)) if len(requested) == 4 else "",
        port=port,
    )


def _raw(options: DHCPOptions, code: int) -> bytes:
    value = options.get(code, decode=False)
    return bytes(value) if value is not None else b""


def _text(raw: bytes) -> str:
    """Printable ASCII of at most 100 characters; whatever else a client sends is no class that we know."""
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in raw.rstrip(b"\0")[:100])


def _user_class(raw: bytes) -> str:
    """iPXE writes the bare word; RFC 3004 puts a length before it."""
    counted = len(raw) > 1 and raw[0] == len(raw) - 1
    return _text(raw[1:] if counted else raw)


def _suboptions(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of an encapsulated option's parts, as far as they are whole."""
    while len(raw) >= 2 and raw[0] != 255:
        if raw[0] == 0:
            raw = raw[1:]
            continue
        yield raw[0], raw[2 : 2 + raw[1]]
        raw = raw[2 + raw[1] :]
