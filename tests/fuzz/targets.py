"""One function for each parser, which takes any bytes and checks what must hold whatever they are."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provisioner.boot.client import Ignore, Local
from provisioner.boot.conversation import Conversation, parse, text
from provisioner.boot.decide import Offer
from provisioner.core.errors import Invalid
from provisioner.core.lab import Actual
from provisioner.lab import document
from provisioner.lab.compare import compare
from provisioner.lab.secrets import sealed
from provisioner.media import program
from provisioner.mirror import isoindex
from provisioner.mirror.iso9660 import Damaged
from provisioner.netboot import packet, wire
from provisioner.netboot.sightings import Request, sighting
from provisioner.netboot.syslog import frames, plain
from provisioner.netboot.transcript import Transcript
from provisioner.netboot.transfer import ACKED, Policy, Transfer, agree, on_wire
from provisioner.netboot.witness import rivalry
from tests import pe_files
from tests.edges.mirror import test_iso as isos
from tests.edges.netboot.serving import everybody
from tests.unit.netboot.recorded import packets
from tests.unit.netboot.test_transcript import asked, frame, said
from tests.unit.netboot.wires import shown

KEPT = Path(__file__).parents[1] / "data" / "fuzz"
CONVERSATIONS = KEPT.parent / "conversations"
LABS = KEPT.parents[2] / "docs/examples"
HERE = Local("lo", "192.0.2.1")
_UNUSED = 16 * 2048
_OPTIONS = b"\0blksize\x001468\0tsize\x000\0timeout\x001\0windowsize\x0016\0"


def dhcp(data: bytes) -> None:
    """A question or silence, and a lawful answer: no address in it, in a packet that every ROM takes."""
    for port in (67, 4011):
        question = packet.decode(data, port)
        if isinstance(question, Ignore):
            continue
        decision = everybody(question, HERE)
        if isinstance(decision, Offer):
            reply = packet.encode(question, decision)
            assert (reply[0], reply[4:8], reply[16:20]) == (2, data[4:8], bytes(4))
            assert len(reply) <= 548


def dhcp_answer(data: bytes) -> None:
    found = packet.reply(data)
    if found is not None:
        assert rivalry(found, "192.0.2.1").isascii()


def witnessed(data: bytes) -> None:
    """What a stranger names is fit to be shown."""
    seen = sighting(data)
    if isinstance(seen, Request):
        assert seen.file.isprintable() and len(seen.file) <= 128


def tftp_request(data: bytes) -> None:
    match wire.request(data):
        case wire.Read(name, options):
            assert "\0" not in name
            terms = agree(options, 1_000_000, Policy(timeout=True))
            assert 8 <= terms.blksize <= 1468
            assert 1 <= terms.window <= 64
            assert wire.oack(terms.granted or {}).startswith(b"\0\6")
        case wire.Refusal(code, text):
            assert len(wire.error(code, text)) < 512
        case None:
            pass


def tftp_transfer(data: bytes) -> None:
    """Any client at all: three bytes for what it asks, then its ACKs (two bytes each) between timers."""
    if len(data) < 3:
        return
    window, rollover = 1 + data[0] % 64, data[1] & 1
    terms = agree({"blksize": "8", "windowsize": str(window)}, 8 * 70_000, Policy())
    transfer, now = Transfer(data[2] * 4000, terms, rollover), 0.0
    transfer.start(now)
    for at in range(3, len(data) - 1, 2):
        now += data[at] / 1000
        # The whole range of numbers is too wide to hit: most are near what is due.
        number = (on_wire(max(1, transfer.sent), rollover) + data[at + 1] - 128) & 0xFFFF
        sent = transfer.sent
        if ACKED + number == transfer.fast:
            transfer.step(now)
            assert transfer.sent - sent == transfer.window
        else:
            flight = transfer.acknowledged(number, now)
            assert len(flight) <= transfer.window
            assert not flight or flight[0] == transfer.base + 1
        assert transfer.base <= transfer.sent <= min(transfer.last, transfer.base + transfer.window)
        if transfer.deadline <= now:
            transfer.expired(now)
    for _ in range(100):
        transfer.expired(transfer.deadline)
    assert transfer.outcome != "running"


def syslog(data: bytes) -> None:
    messages, rest = frames(data)
    assert sum(map(len, messages)) + len(rest) <= len(data)
    assert all(len(plain(message)) <= 1024 and plain(message).isprintable() for message in messages)


def loader(data: bytes) -> None:
    """A program with its signers and generations, or one error."""
    try:
        found = program.look(data)
    except Invalid as error:
        assert str(error).isprintable()
        return
    names = [*found.trusts, *(name for signer in found.signers for name in (signer.subject, signer.issuer))]
    assert all(name.isprintable() for name in names)
    assert all(0 <= row.generation < 10**9 for row in (*found.sbat, *found.revokes))


def recording(data: bytes) -> None:
    """As a frame, and as what both sides say in one: what is written of it is read back."""
    transcript = Transcript()
    for each in (_DISCOVER, data, asked(data, 67), asked(data, 69), said(data), said(data, 67), web(data)):
        transcript.hear(each, 1.0)
    whole = transcript.conversation()
    assert parse(text(whole)) == whole


def conversation(data: bytes) -> None:
    found = parse(data.decode("utf-8", "replace"))
    if isinstance(found, Conversation):
        assert parse(text(found)) == found


def iso(data: bytes) -> None:
    """Every file lies in the image, unless it is said to be cut short. The first 32 KiB mean nothing."""
    whole = bytes(_UNUSED) + data
    try:
        found, end, _windows = isoindex.read(lambda at, length: whole[at : at + length], len(whole))
    except Damaged:
        return
    for name, runs in found.files.items():
        assert all(at + length <= end for at, length in runs)
        assert found.find(name) in (runs, None, *found.files.values())
    for name in found.links:
        found.find(name)


def lab(data: bytes) -> None:
    """A lab that is left as it is once it was made, or a sentence."""
    try:
        found = document.read(data.decode("utf-8", "replace"), "lab.yaml")
    except Invalid:
        return
    made = {item.ref: Actual(sealed(item, str), on=item.on) for item in found.items}
    assert {change.action for change in compare(found, made)} <= {"keep"}


def web(data: bytes) -> bytes:
    return frame(data, (3000, 8080), tcp=True)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        dhcp,
        dhcp_answer,
        witnessed,
        tftp_request,
        tftp_transfer,
        syslog,
        loader,
        recording,
        conversation,
        iso,
        lab,
    )
}


def seeds(target: str) -> list[bytes]:
    """What is known to be worth a try."""
    kept = sorted((KEPT / target).iterdir()) if (KEPT / target).is_dir() else []
    return [file.read_bytes() for file in kept] + _RECORDED.get(target, [])


def image(**wishes: Any) -> bytes:
    """A small ISO with names of the asked kinds, a long one where Rock Ridge stands alone."""
    with TemporaryDirectory() as folder:
        files = {f"{'n' * (200 if set(wishes) == {'rock_ridge'} else 8)}.txt": b"text", "b.txt": b""}
        return isos.disc(Path(folder) / "x.iso", files, **wishes).read_bytes()


_DISCOVER = frame(packets()["uefi-pxe-1"][1], (68, 67))
_DHCP = [data for port, data in packets().values() if port != 69]
_TFTP = [data for port, data in packets().values() if port == 69]
_RECORDED = {
    "dhcp": _DHCP,
    "dhcp_answer": [b"\2" + data[1:] for data in _DHCP],
    "witnessed": [*shown().values()],
    "tftp_request": [*_TFTP, b"\0\1snponly.efi\0octet" + _OPTIONS, b"\0\2up\0octet\0"],
    "tftp_transfer": [bytes((window, window % 2, 200)) + b"\1\x80" * 40 for window in (0, 3, 15, 63)],
    "loader": [
        pe_files.shim(),
        pe_files.grub(),
        pe_files.pe(
            sections={
                ".vendor_cert": pe_files.vendor(pe_files.signature_list(pe_files.certificate("a", "b")))
            }
        ),
        b"\x7fELF\1\2\1" + bytes(11) + b"\0\x14" + bytes(40),
        b"\xea\x05\0\xc0\7" * 100,
    ],
    "recording": [
        _DISCOVER,
        *_TFTP,
        b"\0\3\0\1" + bytes(600),
        b"\0\6blksize\x008\0",
        b"GET /boot/ipxe HTTP/1.1\r\nCookie: x\r\n\r\n",
    ],
    "iso": [image(**wishes)[_UNUSED:] for wishes in (*isos.KINDS.values(), {"udf": "2.60"})],
    "lab": [file.read_bytes() for file in sorted(LABS.glob("*.yaml"))],
    "conversation": [file.read_bytes() for file in sorted(CONVERSATIONS.glob("*.txt"))],
    "syslog": [
        b"<30>Oct  1 anaconda: hello\n",
        b"17 <13>1 - d-i - - x",
        b"5 hell",
        b"0 x",
        b"99999 x",
        b"\n\n",
    ],
}
