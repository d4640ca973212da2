"""Our boot files written into a libvirt network's XML, and taken out again without touching the rest."""

from xml.etree import ElementTree

from provisioner.core import urls
from provisioner.core.errors import Conflict, Invalid
from provisioner.core.firmware import ordinary

DNSMASQ = "http://libvirt.org/schemas/network/dnsmasq/1.0"
_TAG = "pv-"
"""Every tag of ours in an option begins so: by it what we wrote is known."""
_IPXE = f"{_TAG}ipxe"

Element = ElementTree.Element


def options(root: str, server: str) -> tuple[str, ...]:
    """dnsmasq's options for each architecture; iPXE that speaks HTTP (option 175) goes to our stub."""
    lines = [f"dhcp-match=set:{_IPXE},175"]
    for row, _ in ordinary():
        lines += [f"dhcp-match=set:{_TAG}{row.name},option:client-arch,{code}" for code in row.codes]
    lines.append(f"dhcp-boot=tag:{_IPXE},{urls.stub(root)}")
    for row, loader in ordinary():
        tags = f"tag:!{_IPXE},tag:{_TAG}{row.name}"
        if row.transport == "http":
            lines.append(f"dhcp-boot={tags},{urls.loader(root, loader)}")
            lines.append(f"dhcp-option-force=tag:{_TAG}{row.name},60,{row.vendor_class}")
        else:
            lines.append(f"dhcp-boot={tags},{loader},,{server}")
    return tuple(lines)


def with_options(xml: str, lines: tuple[str, ...]) -> str:
    """The network with `lines` among its dnsmasq options. Raises Conflict where it names a file already."""
    network = _parse(without(xml))
    _refuse_other(network)
    _dhcp(network)
    holder = network.find(f"{{{DNSMASQ}}}options")
    if holder is None:
        holder = ElementTree.SubElement(network, f"{{{DNSMASQ}}}options")
    for line in lines:
        ElementTree.SubElement(holder, f"{{{DNSMASQ}}}option", value=line)
    return _print(network)


def with_bootp(xml: str, root: str) -> str:
    """The network with the one boot file that iPXE takes by itself. Raises Conflict as above."""
    network = _parse(without(xml))
    _refuse_other(network)
    ElementTree.SubElement(_dhcp(network), "bootp", file=urls.stub(root))
    return _print(network)


def without(xml: str) -> str:
    """The network without what we wrote; everything else as it was."""
    network = _parse(xml)
    for parent, child in _ours(network):
        parent.remove(child)
    holder = network.find(f"{{{DNSMASQ}}}options")
    if holder is not None and len(holder) == 0:
        network.remove(holder)
    return _print(network)


def holds_ours(xml: str) -> bool:
    """Whether anything in it was written by us."""
    return bool(_ours(_parse(xml)))


def _ours(network: Element) -> list[tuple[Element, Element]]:
    """What we wrote, each with its parent."""
    found = []
    for holder in network.iterfind(f"{{{DNSMASQ}}}options"):
        values = ((option, option.get("value", "")) for option in holder)
        found += [(holder, o) for o, value in values if f":{_TAG}" in value or f"!{_TAG}" in value]
    for dhcp in network.iterfind("ip/dhcp"):
        files = ((bootp, bootp.get("file", "")) for bootp in dhcp.iterfind("bootp"))
        found += [
            (dhcp, b) for b, file in files if file.startswith("http://") and file.endswith("/boot/ipxe")
        ]
    return found


def _refuse_other(network: Element) -> None:
    name = network.findtext("name")
    held = [o.get("value", "") for o in network.iterfind(f"{{{DNSMASQ}}}options/{{{DNSMASQ}}}option")]
    if network.find("ip/dhcp/bootp") is not None or any(o.startswith("dhcp-boot=") for o in held):
        raise Conflict(
            f"network {name} names a boot file of its own already",
            remedy=f"let our ProxyDHCP answer beside it: provisioner network check {name} --repair proxy",
        )


def _dhcp(network: Element) -> Element:
    found = network.find("ip/dhcp")
    if found is None:
        raise Invalid(
            f"network {network.findtext('name')} has no DHCP server that a boot file could be written for"
        )
    return found


def _parse(xml: str) -> Element:
    for _, (prefix, uri) in ElementTree.iterparse(_Text(xml), ("start-ns",)):  # noqa: S314 - libvirt's own
        if prefix and not prefix.startswith("ns"):
            ElementTree.register_namespace(prefix, uri)
    ElementTree.register_namespace("dnsmasq", DNSMASQ)
    return ElementTree.fromstring(xml)  # noqa: S314 - libvirt wrote it


class _Text:
    """A text as the file that iterparse wants."""

    def __init__(self, text: str) -> None:
        self._left = text

    def read(self, _size: int = -1) -> str:
        text, self._left = self._left, ""
        return text


def _print(network: Element) -> str:
    ElementTree.indent(network)
    return ElementTree.tostring(network, encoding="unicode") + "\n"
