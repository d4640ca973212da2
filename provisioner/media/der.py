"""DER as far as certificates need it (ITU-T X.690): elements of definite length, walked and never decoded."""

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.core.errors import Invalid

SEQUENCE, SET, OID = 0x30, 0x31, 0x06
_MOST = 4096
"""Elements in one constructed element; certificates have tens."""
_TEXT = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1A: "ascii", 0x1E: "utf-16-be"}
_COMMON_NAME, _ORGANISATION, _UNIT = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b"


@dataclass(frozen=True, slots=True)
class Element:
    """`whole` is the element with its head, `body` without."""

    tag: int
    body: memoryview
    whole: memoryview


def first(data: memoryview) -> Element:
    """The element at the beginning. Raises Invalid where there is none, or not all of it."""
    if len(data) < 2:
        raise Invalid("the signature ends in the middle")
    tag, length, head = data[0], data[1], 2
    if tag & 0x1F == 0x1F:
        raise Invalid("the signature has a tag that certificates do not use")
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 4 or len(data) < 2 + octets:
            raise Invalid("the signature has a length that is not understood")
        length, head = int.from_bytes(data[2 : 2 + octets], "big"), 2 + octets
    if len(data) < head + length:
        raise Invalid("the signature ends in the middle")
    return Element(tag, data[head : head + length], data[: head + length])


def inside(element: Element) -> Iterator[Element]:
    """The elements of a constructed one. Raises Invalid."""
    rest = element.body
    for _ in range(_MOST):
        if not rest:
            return
        found = first(rest)
        yield found
        rest = rest[len(found.whole) :]
    raise Invalid("the signature has more parts than one has")


def expect(elements: Iterator[Element], *tags: int) -> Element:
    """The next element, which has one of these tags. Raises Invalid."""
    found = next(elements, None)
    if found is None or found.tag not in tags:
        raise Invalid("the signature is not laid out as one")
    return found


def common_name(name: Element) -> str:
    """What an X.501 name is called: CN, else OU, else O, else ""; printable. Raises Invalid."""
    texts: dict[bytes, str] = {}
    for relative in inside(name):
        for attribute in inside(relative):
            parts = inside(attribute)
            kind, value = bytes(expect(parts, OID).body), next(parts, None)
            if value is not None and value.tag in _TEXT:
                text = bytes(value.body[:512]).decode(_TEXT[value.tag], "replace")
                texts.setdefault(kind, "".join(letter for letter in text if letter.isprintable()))
    return next((texts[kind] for kind in (_COMMON_NAME, _UNIT, _ORGANISATION) if texts.get(kind)), "")
