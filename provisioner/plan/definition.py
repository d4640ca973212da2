"""A domain's definition as libvirt keeps it: what in one is other than in another, and what we set in it.

The texts are libvirt's own, whose form is known: one element a line, two spaces a level.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from provisioner.core.lab import Difference
from provisioner.plan.cloning import moved_xml

MASK = "***"
_SERIAL = re.compile(r"(<entry name=['\"]serial['\"]>)[^<]*(</entry>)")
_PASSWORD = re.compile(r"( passwd=)(['\"])(?!expired['\"])[^'\"]*['\"]")
_OWN_DOING = re.compile(
    r"os/(loader|nvram)\b|.*@id$|.*/alias\b|.*/address\b.*|seclabel\b|currentMemory\b|devices/controller\b"
)
"""What libvirt fills in by itself when a domain is first started, or reads from another release; controllers
come and go with the devices that need them, as those of an installation's first stage do."""
_OUR_DOING = re.compile(
    r"metadata\b|sysinfo\b|devices/disk\[[^]]*\]/(source|driver|backingStore)\b|devices/.*/log@file"
)
"""What a rebuild, or a clone of the guest, changes in a definition."""
_NAMED = {"disk": ("target", "dev"), "interface": ("mac", "address")}


def masked(xml: str) -> str:
    """The definition without its boot token and passwords: this may be kept and shown."""
    return _PASSWORD.sub(rf"\g<1>\g<2>{MASK}\g<2>", _SERIAL.sub(rf"\g<1>{MASK}\g<2>", xml))


def unmasked(xml: str, serial: str) -> str:
    """The same with its boot token, to be defined again; a password that was masked opens nothing."""
    xml = _SERIAL.sub(rf"\g<1>{serial}\g<2>", xml)
    return re.sub(rf" passwd=(['\"]){re.escape(MASK)}['\"]", r" passwd=\g<1>expired\g<1>", xml)


def on_disks_of(now: str, xml: str) -> str:
    """The definition `xml` on the volumes that `now` names: a clone or a snapshot moved the guest to them."""
    names = {}
    for disk in ElementTree.fromstring(now).iterfind("devices/disk"):  # noqa: S314 - libvirt wrote it
        target, source = disk.find("target"), disk.find("source")
        if target is not None and source is not None:
            place = source.get("file") or source.get("dev") or source.get("volume") or ""
            names[target.get("dev", "")] = place.rpartition("/")[2]
    return moved_xml(xml, names)


def with_hardware(xml: str, memory: int, vcpus: int) -> str:
    """The definition with so much memory (MiB) and so many processors."""
    for name in ("memory", "currentMemory"):
        xml = re.sub(rf"(?m)^  <{name}\b.*$", f"  <{name} unit='KiB'>{memory * 1024}</{name}>", xml, count=1)
    return re.sub(r"(?m)^  <vcpu\b.*$", f"  <vcpu placement='static'>{vcpus}</vcpu>", xml, count=1)


def differences(right: str, now: str, *, moved: bool = False) -> tuple[Difference, ...]:
    """What in the definition `now` is other than in `right`; `moved` where our own hand was on it since."""
    was, is_ = _flat(right), _flat(now)
    found = []
    for path in dict.fromkeys([*was, *is_]):
        if was.get(path) == is_.get(path) or _OWN_DOING.match(path) or (moved and _OUR_DOING.match(path)):
            continue
        found.append(Difference(f"xml {path}", is_.get(path, ""), was.get(path, "")))
    return tuple(found)


def _flat(xml: str) -> Mapping[str, str]:
    """Each text and attribute by its place: `memory`, `devices/disk[vda]/source@file`."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - libvirt wrote it, or we did
    return dict(_leaves(root, ""))


def _leaves(element: ElementTree.Element, place: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        yield f"{place}@{_local(name)}", value
    text = (element.text or "").strip()
    if text:
        yield place, text
    elif place and not element.attrib and not len(element):
        yield place, "yes"
    seen: Counter[str] = Counter()
    alike = Counter(child.tag for child in element)
    for child in element:
        name = _local(child.tag)
        seen[name] += 1
        inner, attribute = _NAMED.get(name, ("", ""))
        named = child.find(inner) if inner else None
        key = named.get(attribute, "") if named is not None else ""
        if key or alike[child.tag] > 1:
            name = f"{name}[{key or seen[name]}]"
        yield from _leaves(child, f"{place}/{name}" if place else name)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
