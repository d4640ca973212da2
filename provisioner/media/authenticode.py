"""Who signed a PE file: Microsoft's "Windows Authenticode Portable Executable Signature Format".

Nothing is verified: that is the firmware's part, which alone knows the keys. What is read is who is named.
"""

from collections.abc import Iterator

from provisioner.core.errors import Invalid
from provisioner.core.loaders import Signer
from provisioner.media.der import OID, SEQUENCE, SET, Element, common_name, expect, first, inside

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_CONTEXT_0, _INTEGER = 0xA0, 0x02


def signers(content: memoryview) -> Iterator[Signer]:
    """The signers of one PKCS #7 SignedData (RFC 2315, section 9). Raises Invalid."""
    outer = inside(first(content))
    if bytes(expect(outer, OID).body) != _SIGNED_DATA:
        raise Invalid("the signature is of a kind that is not known")
    data = inside(expect(inside(expect(outer, _CONTEXT_0)), SEQUENCE))
    expect(data, _INTEGER)
    expect(data, SET)
    expect(data, SEQUENCE)
    rest = list(data)
    held = [certificate for part in rest if part.tag == _CONTEXT_0 for certificate in inside(part)]
    known = dict(map(_identified, (certificate for certificate in held if certificate.tag == SEQUENCE)))
    for infos in (part for part in rest if part.tag == SET):
        for info in inside(infos):
            parts = inside(info)
            expect(parts, _INTEGER)
            both = inside(expect(parts, SEQUENCE))
            issuer, serial = expect(both, SEQUENCE), expect(both, _INTEGER)
            subject = known.get((bytes(issuer.whole), bytes(serial.body)))
            yield Signer(common_name(subject) if subject else "", common_name(issuer))


def subject(certificate: memoryview) -> str:
    """Whom an X.509 certificate is for. Raises Invalid."""
    return common_name(_identified(first(certificate))[1])


def _identified(certificate: Element) -> tuple[tuple[bytes, bytes], Element]:
    """((issuer, serial number), subject) of a certificate (RFC 5280, section 4.1). Raises Invalid."""
    parts = inside(expect(inside(certificate), SEQUENCE))
    serial = expect(parts, _CONTEXT_0, _INTEGER)
    if serial.tag == _CONTEXT_0:
        serial = expect(parts, _INTEGER)
    expect(parts, SEQUENCE)
    issuer = expect(parts, SEQUENCE)
    expect(parts, SEQUENCE)
    return (bytes(issuer.whole), bytes(serial.body)), expect(parts, SEQUENCE)
