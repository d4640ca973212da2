"""Packets of a netboot conversation in a line of words each."""

from collections.abc import Iterable

from provisioner.boot.client import Ignore
from provisioner.boot.conversation import Run
from provisioner.netboot import packet, wire

_MESSAGES = ("DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM")
_OACK = 6


def question(payload: bytes) -> str:
    """A client's DHCP packet."""
    asked = packet.decode(payload, 67)
    if isinstance(asked, Ignore):
        return asked.reason
    return ", ".join(
        _said(
            _message(asked.message),
            asked.vendor_class,
            f"architecture {asked.code}" if asked.code is not None else "",
            f"user class {asked.user_class}" if asked.user_class else "",
            "iPXE that speaks HTTP" if asked.ipxe_features else "",
            f"asks for {asked.requested}" if asked.requested else "",
            f"has {asked.ciaddr}" if asked.ciaddr else "",
        )
    )


def reply(payload: bytes) -> str:
    """A DHCP server's packet."""
    said = packet.reply(payload)
    if said is None:
        return "an answer that gives nothing"
    answer = said.answer
    source = f" from {answer.boot_server}" if answer.boot_server else ""
    return ", ".join(
        _said(
            f"{_message(said.message)} of {answer.server or 'a server without a name'}",
            f"address {answer.address}" if answer.address else "no address",
            f"boot file {answer.file}{source}" if answer.file else "",
            "speaks of netboot" if said.netboots else "",
        )
    )


def tftp(payload: bytes) -> str:
    """A control packet of TFTP."""
    opcode, number = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")
    if opcode == _OACK:
        return _plain(", ".join(("agrees", *(f"{name} {value}" for name, value in _agreed(payload)))))
    if opcode == wire.ERROR:
        return _plain(f"error {number}: {wire.text(payload[4:])}")
    match wire.request(payload):
        case wire.Read(name, options):
            asked = (f"{option} {value}" for option, value in options.items())
            return _plain(", ".join((f"asks for {name}", *asked)))
        case wire.Refusal(_, text):
            return text
        case None:
            return "no packet of TFTP"


def blksize(payload: bytes) -> int | None:
    """The block size that an OACK agrees to, None where it, or another packet, says none."""
    agreed = dict(_agreed(payload)) if payload[:2] == bytes((0, _OACK)) else {}
    size = agreed.get("blksize", "")
    return int(size) if size.isascii() and size.isdigit() and len(size) < 6 and int(size) else None


def run(blocks: Run) -> str:
    """Blocks of a file, or their acknowledgements."""
    many = blocks.last != blocks.first
    which = f"blocks {blocks.first} to {blocks.last}" if many else f"block {blocks.first}"
    return f"{which} of {blocks.size} bytes" if blocks.kind == "DATA" else f"has {which}"


def _agreed(payload: bytes) -> Iterable[tuple[str, str]]:
    words = [word.decode("ascii", "replace") for word in payload[2:].split(b"\0")]
    return zip(words[::2], words[1::2], strict=False)


def _message(number: int) -> str:
    return _MESSAGES[number - 1] if 1 <= number <= len(_MESSAGES) else f"DHCP message {number}"


def _said(*words: str) -> Iterable[str]:
    return (word for word in words if word)


def _plain(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)
